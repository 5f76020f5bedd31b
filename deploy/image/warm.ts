/**
 * Runs inside the image's build: loads what services and commands load and keeps the code that Node compiled from it in
 * /cache, for the user and the paths of the image. Node finds it by its own version, the features of the processor and
 * the user: where one is another, it compiles as without a cache. `warm.ts import` is the part that loads.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, lstatSync, lutimesSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const CACHE = '/cache';
/** The Node that the image will have. */
const NODE = '/out/usr/local/bin/node';
const USER = 65532;
const [READ_BY_ALL, ENTERED_BY_ALL] = [0o644, 0o755];
const root = join(import.meta.dirname, '..', '..');
/** What runs as soon as it is loaded. */
const PROGRAMS = /^(main|dakia)\.ts$/;

const modulesIn = (folder: string): readonly string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !PROGRAMS.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();

const settle = (path: string, time: number): void => {
  const folder = lstatSync(path).isDirectory();
  if (folder) readdirSync(path).forEach((name) => settle(join(path, name), time));
  // Node keeps them for their owner alone; here that is root, so that no service changes what it will run.
  chownSync(path, 0, 0);
  chmodSync(path, folder ? ENTERED_BY_ALL : READ_BY_ALL);
  lutimesSync(path, time, time);
};

const run = (...args: readonly string[]): void =>
  void execFileSync(NODE, ['--disable-warning=ExperimentalWarning', ...args], {
    cwd: root,
    uid: USER,
    gid: USER,
    env: { NODE_ENV: 'production', NODE_COMPILE_CACHE: CACHE },
    stdio: ['ignore', 'ignore', 'inherit'],
  });

if (process.argv[2] === 'import') {
  for (const file of ['libs', 'services', 'cli', 'simulator'].flatMap(modulesIn))
    await import(pathToFileURL(file).href);
  // Some modules hold timers open.
  process.exit(0);
} else {
  mkdirSync(CACHE);
  chownSync(CACHE, USER, USER);
  run('deploy/image/warm.ts', 'import');
  run('deploy/image/entry.ts', 'cli', '--help');
  settle(CACHE, Number(process.env['SOURCE_DATE_EPOCH'] ?? '0'));
}
