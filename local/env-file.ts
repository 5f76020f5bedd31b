import { join } from 'node:path';
import type { StateFolder } from './folders.ts';
import { writePrivate } from './private-files.ts';

/** One `export NAME='value'` line; any value survives the shell. */
const exportLine = ([name, value]: readonly [string, string]): string =>
  `export ${name}='${value.replaceAll("'", `'\\''`)}'\n`;

/**
 * `.dakia/env`, to be sourced: what a service or the `dakia` command
 * needs to find this stack. Private, it holds a password.
 */
export const writeEnvFile = ({ root }: StateFolder, variables: Readonly<Record<string, string>>): string => {
  const file = join(root, 'env');
  writePrivate(file, Object.entries(variables).map(exportLine).join(''));
  return file;
};
