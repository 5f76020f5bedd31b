import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { searchSettings, variablesOf } from '#platform/config';
import type { Environment } from '#platform/config';
import type { StateFolder } from './folders.ts';
import { writePrivate } from './private-files.ts';

const SECRET_BYTES = 32;

/** The webhook's signing secret of this stack. Answers the file's path. */
export const secretFile = (folder: StateFolder): string => fileOf(folder, 'secret');

/** The key of the digests by which customers are found, unless the environment gives one. */
export const searchKeySource = (environment: Environment, folder: StateFolder): Readonly<Record<string, string>> =>
  variablesOf(searchSettings.searchKey).some((name) => environment[name])
    ? {}
    : { DAKIA_SEARCH_KEY: readFileSync(fileOf(folder, 'search-key'), 'utf8').trim() };

/** Random, made once, readable by its owner alone. */
const fileOf = ({ root }: StateFolder, name: string): string => {
  const file = join(root, name);
  if (!existsSync(file)) writePrivate(file, `${randomBytes(SECRET_BYTES).toString('base64url')}\n`);
  return file;
};
