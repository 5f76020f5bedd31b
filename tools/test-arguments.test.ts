import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { readRequest } from './test-arguments.ts';
import { jestPatterns, PROJECTS, projectOf, testsNeedServers } from './test-projects.cjs';

const read = (...args: readonly string[]) => readRequest(args, ['types', 'unit', 'faults'], ['types', 'unit']);

test('without arguments all parts, with --quick the quick ones, else those that are named', () => {
  expect(read()).toEqual({ ok: true, request: { parts: ['types', 'unit', 'faults'] } });
  expect(read('--quick')).toEqual({ ok: true, request: { parts: ['types', 'unit'] } });
  expect(read('faults')).toEqual({ ok: true, request: { parts: ['faults'] } });
});

test('files go to their project, with the name and the seed that were given', () => {
  const request = {
    name: 'late .* wins',
    seed: -7,
    files: new Map([
      ['unit', ['a.test.ts']],
      ['faults', ['test/faults/b.test.ts']],
      ['integration', ['c.integration.test.ts']],
    ]),
  };
  expect(
    read('a.test.ts', 'test/faults/b.test.ts', '-t', 'late .* wins', 'c.integration.test.ts', '--seed=-7'),
  ).toEqual({ ok: true, request });
});

test.each([
  [['nothing'], /called nothing; the parts are types, unit, faults/],
  [['unit', 'a.test.ts'], /not both/],
  [['a.test.ts', '--seed', 'x'], /--seed is x/],
  [['-t', 'name'], /need test files/],
  [['--watch'], /--watch/],
])('%j is refused with what to do', (args, message) => {
  expect(read(...args)).toEqual({ ok: false, message: expect.stringMatching(message) });
});

test('servers are needed by all parts, by those on servers, and by files of theirs', () => {
  for (const args of [
    [],
    ['integration'],
    ['unit', 'faults'],
    ['long'],
    ['a.test.ts', './x.integration.test.ts'],
    ['test/faults/x.test.ts', '-t', 'y'],
  ])
    expect([args, testsNeedServers(args)]).toEqual([args, true]);
  for (const args of [['--quick'], ['unit'], ['a.test.ts'], ['a.test.ts', '-t', 'integration tests']])
    expect([args, testsNeedServers(args)]).toEqual([args, false]);
});

test('every test file of the checkout belongs to exactly one project of jest, the one that projectOf names', () => {
  const root = join(import.meta.dirname, '..');
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.test.ts'], {
    cwd: root,
    encoding: 'utf8',
  })
    .trim()
    .split('\n');
  expect(files.length).toBeGreaterThan(100);
  const matches = (path: string, pattern: string): boolean => new RegExp(pattern).test(path);
  for (const file of files) {
    const absolute = join(root, file);
    const taken = PROJECTS.map(({ name }) => name).filter((name) => {
      const { testRegex, testPathIgnorePatterns } = jestPatterns(name);
      return matches(absolute, testRegex) && !testPathIgnorePatterns.some((pattern) => matches(absolute, pattern));
    });
    expect([file, ...taken]).toEqual([file, projectOf(file)]);
  }
});
