import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileCacheFolder } from './compile-cache.cjs';

let root = '';
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'dakia-cache-'))));
afterEach(() => rmSync(root, { recursive: true }));

test('the folder lies in node_modules/.cache and is for its owner alone', () => {
  const folder = compileCacheFolder(root) ?? '';
  expect(folder).toBe(join(root, 'node_modules', '.cache', 'compile'));
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(compileCacheFolder(root)).toBe(folder);
});

test('where it cannot be made there is none, and no error', () => {
  writeFileSync(join(root, 'node_modules'), 'a file, not a folder');
  expect(compileCacheFolder(root)).toBeUndefined();
});
