import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const INSTALL_WITHIN_MS = 300_000;

/**
 * Packages that some tests need and nothing else, pinned in a folder of their
 * own with package.json and package-lock.json: installed there when they are
 * not what the lock file says. Answers how to load a CommonJS package of them.
 */
export const packagesIn = (folder: string): NodeJS.Require => {
  const lock = readFileSync(join(folder, 'package-lock.json'), 'utf8');
  const mark = join(folder, 'node_modules', '.installed');
  if (!existsSync(mark) || readFileSync(mark, 'utf8') !== lock) {
    const { status, error } = spawnSync('npm', ['ci', '--ignore-scripts', '--loglevel=error'], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: INSTALL_WITHIN_MS,
    });
    if (error !== undefined) throw new Error(`npm cannot be run (${error.message})`);
    if (status !== 0) throw new Error(`npm ci in ${folder} ended with ${status}`);
    writeFileSync(mark, lock);
  }
  return createRequire(join(folder, 'package.json'));
};
