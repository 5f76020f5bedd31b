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

const PRIVATE_MODE = 0o700;
/**
 * Postgres runs as another user when the launcher is root, and must
 * be able to pass through; to list it is not allowed to.
 */
const PASSAGE_MODE = process.getuid?.() === 0 ? 0o711 : PRIVATE_MODE;

/** Makes a folder that its owner alone may enter, also where it was there with other rights. */
export const makeFolder = (path: string, mode: number = PRIVATE_MODE): string => {
  if (!existsSync(path)) mkdirSync(path, { recursive: true });
  chmodSync(path, mode);
  return path;
};

export const stateFolder = (dataDir: string): StateFolder => {
  const root = makeFolder(resolve(dataDir), PASSAGE_MODE);
  return {
    root,
    data: makeFolder(join(root, 'data'), PASSAGE_MODE),
    logs: makeFolder(join(root, 'logs')),
    pids: makeFolder(join(root, 'pids')),
  };
};
