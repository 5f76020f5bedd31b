import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What .dependency-cruiser.cjs says of imports, for what code reads by its path: a room reads in itself. */
const root = join(import.meta.dirname, '..');
const ROOMS = ['libs', 'services', 'cli', 'simulator', 'local'];

/** And outside of itself what stands here; `local` is on top of all, and knows the whole checkout. */
const MAY_READ: Readonly<Record<string, readonly string[]>> = {
  'libs/platform': ['migrations', 'package.json'],
  'services/notifier': ['deploy/notifications.example.yaml'],
  cli: ['package.json', '.dakia'],
  local: [''],
};

/** `libs/platform/log/codes.ts` → `libs/platform`, `cli/run.ts` → `cli`. */
const roomOf = (path: string): string =>
  path
    .split('/')
    .slice(0, /^(libs|services)\//.test(path) ? 2 : 1)
    .join('/');

const OWN_FOLDER = /import\.meta\.dirname((?:,\s*'[^']*')*)/g;
const namedIn = (code: string): readonly (readonly string[])[] =>
  [...code.matchAll(OWN_FOLDER)].map(([, names = '']) =>
    [...names.matchAll(/'([^']*)'/g)].map(([, name = '']) => name),
  );

const sources = execFileSync('git', ['ls-files', '-co', '--exclude-standard', ...ROOMS.map((room) => `${room}/*.ts`)], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '' && !path.endsWith('.test.ts'));

const foreign = (path: string, code: string): readonly string[] => {
  const room = roomOf(path);
  const mayRead = [room, ...(MAY_READ[room] ?? [])];
  return namedIn(code)
    .map((names) => join(dirname(path), ...names))
    .map((target) => (target === '.' ? '' : target))
    .filter((target) => !mayRead.some((place) => place === target || (place !== '' && target.startsWith(`${place}/`))))
    .map((target) => `${path} reads ${target === '' ? 'the root of the checkout' : target}, outside of ${room}`);
};

test('a room reads files of its own, and few others', () => {
  expect(sources.length).toBeGreaterThan(300);
  expect(sources.flatMap((path) => foreign(path, readFileSync(join(root, path), 'utf8')))).toEqual([]);
});

test('a path is found however it is written, and what stands below a place may be read with it', () => {
  const reads = (path: string, ...names: readonly string[]): readonly string[] =>
    foreign(path, `join(import.meta.dirname, ${names.map((name) => `'${name}'`).join(',\n  ')})`);
  expect(reads('services/ingest/a.ts', '..', '..', 'migrations')).toHaveLength(1);
  expect(reads('services/ingest/a.ts', '../notifier/b.json')).toHaveLength(1);
  expect(reads('services/ingest/a.ts', 'b.json')).toEqual([]);
  expect(reads('libs/platform/postgres/a.ts', '..', '..', '..', 'migrations', '0001.sql')).toEqual([]);
  expect(reads('libs/apply/a.ts', '..', '..')).toHaveLength(1);
});

test('no path is made from the URL of a module, which is not looked at here', () => {
  const ways = /import\.meta\.url|\b__dirname\b/;
  expect(sources.filter((path) => ways.test(readFileSync(join(root, path), 'utf8')))).toEqual([]);
});
