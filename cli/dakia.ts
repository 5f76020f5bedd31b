#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { compileCacheFolder } from './compile-cache.cjs';

// Before anything else is loaded: what is imported statically would be compiled first.
const folder = compileCacheFolder();
if (folder !== undefined) enableCompileCache(folder);
const { goOnWithClosedPipe } = await import('#platform/log');
goOnWithClosedPipe();
const { run } = await import('./run.ts');
await run(process.argv.slice(2));
