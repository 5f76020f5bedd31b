import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The root of the checkout, where `deploy/` and `services/` lie. */
export const repositoryRoot = resolve(import.meta.dirname, '..');

/** Where the state of one embedded stack lives. */
export interface StateFolder {
  readonly root: string;
  readonly data: string;
  readonly logs: string;
  readonly pids: string;
}

// Searchable by others, because Postgres runs as another user when the launcher is root; secrets in it are 0600 each.
const FOLDER_MODE = 0o755;

export const makeFolder = (path: string): string => {
  if (!existsSync(path)) {
    mkdirSync(path, { recursive: true });
    chmodSync(path, FOLDER_MODE);
  }
  return path;
};

export const stateFolder = (dataDir: string): StateFolder => {
  const root = makeFolder(resolve(dataDir));
  return {
    root,
    data: makeFolder(join(root, 'data')),
    logs: makeFolder(join(root, 'logs')),
    pids: makeFolder(join(root, 'pids')),
  };
};
