import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Environment } from './stack.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '..', '..');
const ARCHIVE_BYTES_MAX = 256 * 1024 * 1024;

/** The code of another commit, to be measured beside this one in the same run. */
export interface OtherTree {
  readonly commit: string;
  /** Its programs to measure: `test/load` of that commit. */
  readonly programs: string;
  /** Brings an empty database to its schema, with its own migrations. */
  readonly prepareDatabase: (url: string, environment: Environment) => Promise<void>;
  readonly remove: () => void;
}

/**
 * Unpacks a commit under .dakia. It runs with the packages that are installed here: what is compared is Dakia's code,
 * not its dependencies. Throws where git does not know the commit.
 */
export const openTree = (ref: string): OtherTree => {
  const git = (...args: readonly string[]): Buffer =>
    execFileSync('git', ['-C', ROOT, ...args], { maxBuffer: ARCHIVE_BYTES_MAX });
  const commit = git('rev-parse', '--short', `${ref}^{commit}`).toString().trim();
  const folder = join(ROOT, '.dakia', 'bench-trees', commit);
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  remove();
  mkdirSync(folder, { recursive: true });
  execFileSync('tar', ['-x', '-C', folder], { input: git('archive', '--format=tar', commit) });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return {
    commit,
    programs: join(folder, 'test', 'load'),
    prepareDatabase: async (url, environment) => {
      const env = { ...environment, DATABASE_URL: url };
      for (const command of [['migrate'], ['partitions', 'apply']])
        await run(process.execPath, [join(folder, 'cli', 'dakia.ts'), ...command], { cwd: folder, env });
    },
    remove,
  };
};
