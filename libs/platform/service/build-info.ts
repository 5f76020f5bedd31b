import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gaugeOf } from '#platform/metrics';
import type { Registry } from '#platform/metrics';

/** Shows what this process runs. */
export const describeBuild = (registry: Registry): void => {
  const file = join(import.meta.dirname, '..', '..', '..', 'package.json');
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string };
  gaugeOf(registry, 'dakia_build_info').set({ version, node: process.version }, 1);
};
