import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { quarantineReasons } from '#catalogue';
import { codeOf, codes } from '#platform/log';
import { failureKinds } from '../libs/kafka/producer/failure.ts';
import { answerCodeOf, bodyOf, reasons } from '../services/ingest/answers.ts';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const sources = execFileSync('git', ['ls-files', '-co', '--exclude-standard', 'libs', 'services', 'cli', 'local'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts') && path !== 'libs/platform/log/codes.ts');
const ofArea = (area: string): readonly string[] =>
  Object.keys(codes)
    .filter((code) => code.startsWith(`DAKIA_${area}_`))
    .toSorted();

/** Why a partition stands still. */
const HALTS = ['other-cluster', 'other-log', 'gap', 'past-end'] as const;

test('docs/failures.md lists every code with its remedy, and no other', () => {
  const page = read('docs/failures.md');
  const table = page.slice(page.indexOf('<!-- begin codes -->'), page.indexOf('<!-- end codes -->'));
  const rows = [...table.matchAll(/^\| `(DAKIA_\w+)` \| (.+) \| (.+) \|$/gm)].map(([, code, means, remedy]) => [
    code,
    { means, remedy },
  ]);
  expect(Object.fromEntries(rows)).toEqual(codes);
});

test('what has a list of reasons has a code for each of them, and for nothing that is gone', () => {
  const answered = reasons.map(answerCodeOf).filter((code) => code !== undefined);
  expect([...answered, codeOf('ingest', 'broke'), codeOf('ingest', 'secrets-unusable')].toSorted()).toEqual(
    ofArea('INGEST'),
  );
  expect(failureKinds.map((kind) => codeOf('producer', kind)).toSorted()).toEqual(ofArea('PRODUCER'));
  expect(HALTS.map((reason) => codeOf('halted', reason)).toSorted()).toEqual(ofArea('HALTED'));
  const kept = [...quarantineReasons, 'undecodable'] as const;
  expect(kept.map((reason) => codeOf('quarantine', reason)).toSorted()).toEqual(ofArea('QUARANTINE'));
});

test('an answer that is no 200 carries its code', () => {
  for (const reason of reasons) {
    const { code } = JSON.parse(bodyOf(reason)) as { readonly code?: string };
    expect([reason, code]).toEqual([reason, answerCodeOf(reason)]);
  }
  expect(answerCodeOf('signature-mismatch')).toBe('DAKIA_INGEST_SIGNATURE_MISMATCH');
  expect(answerCodeOf('durable')).toBeUndefined();
});

test('every other code is given somewhere', () => {
  const given = new Set(
    sources.flatMap((path) =>
      [...read(path).matchAll(/codeOf\('(\w+)', '([\w-]+)'\)/g)].map(([, area, name]) =>
        `DAKIA_${area}_${name}`.toUpperCase().replaceAll('-', '_'),
      ),
    ),
  );
  const listed = ['INGEST', 'PRODUCER', 'HALTED', 'QUARANTINE'].flatMap(ofArea);
  expect(Object.keys(codes).filter((code) => !listed.includes(code) && !given.has(code))).toEqual([]);
});

test('an error in the log carries a code', () => {
  const without = sources.flatMap((path) =>
    [...read(path).matchAll(/\blog\.(?:error|fatal)\(\s*\{\s*(\w+)/g)]
      .filter(([, first]) => first !== 'code')
      .map(() => path),
  );
  expect(without).toEqual([]);
});

test('a code is no setting', () => {
  const settings = [...read('README.md').matchAll(/^\| `(DAKIA_\w+)` \|/gm)].map(([, name]) => name);
  expect(settings.length).toBeGreaterThan(10);
  expect(settings.filter((name) => name !== undefined && name in codes)).toEqual([]);
});
