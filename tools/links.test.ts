import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const filesOf = (...patterns: readonly string[]): readonly string[] =>
  execFileSync('git', ['ls-files', '-co', '--exclude-standard', ...patterns], { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter((path) => path !== '');
const pages = filesOf('*.md');
const ROOM_LINES_MAX = 30;

test('every link from one page to a file of the repository leads somewhere', () => {
  const broken = pages.flatMap((page) =>
    [...readFileSync(join(root, page), 'utf8').matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !existsSync(join(root, dirname(page), target)))
      .map((target) => `${page}: ${target}`),
  );
  expect(broken).toEqual([]);
});

test('a page of the reference that a comment names is there, with that heading', () => {
  const headings = (page: string): readonly string[] =>
    existsSync(join(root, page))
      ? [...readFileSync(join(root, page), 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading)
      : [];
  const lost = filesOf('*.ts').flatMap((path) =>
    // A comment may break between the page and its heading.
    [...readFileSync(join(root, path), 'utf8').matchAll(/(docs\/reference\/[\w-]+\.md)(?:(?:\s|\*|\/\/)+"([^"]+)")?/g)]
      .filter(
        ([, page = '', heading]) =>
          headings(page).length === 0 || (heading !== undefined && !headings(page).includes(heading)),
      )
      .map(([found]) => `${path}: ${found}`),
  );
  expect(lost).toEqual([]);
});

test('each room says what it is, in at most 30 lines', () => {
  const rooms = [
    ...['rules', 'catalogue', 'families'].map((name) => `libs/domain/${name}`),
    ...['envelope', 'platform', 'kafka', 'apply', 'parking', 'operate'].map((name) => `libs/${name}`),
    ...['services/ingest', 'services/notifier', 'cli', 'simulator', 'local', 'migrations', 'test'],
  ];
  // The chart's README is for those who install it.
  const said = pages.filter((page) => page.endsWith('/README.md') && !page.startsWith('charts/'));
  expect(rooms.filter((room) => !said.includes(`${room}/README.md`))).toEqual([]);
  const long = said.filter(
    (page) => readFileSync(join(root, page), 'utf8').trimEnd().split('\n').length > ROOM_LINES_MAX,
  );
  expect(long).toEqual([]);
});
