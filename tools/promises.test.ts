import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { familyNames, familySpec } from '#catalogue';
import { allTableWords } from '../libs/platform/postgres/describe-schema.ts';
import { parts } from '../test/load/options.ts';

const root = join(import.meta.dirname, '..');
const pageOf = (name: string): string => readFileSync(join(root, 'docs', name), 'utf8');

/** Cells of the rows of the first table in a text, without its head. */
const rowsOf = (text: string): readonly (readonly string[])[] => {
  const [table = ''] = /(?:^\|.*\n)+/m.exec(text) ?? [];
  return table
    .trimEnd()
    .split('\n')
    .slice(2)
    .map((line) => line.split('|').slice(1, -1));
};

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
};

/** Why this is nothing that shows a promise; undefined when it is. */
const lacks = (proof: string): string | undefined => {
  const [, script = '', part] = /^npm run (\S+)(?: -- --only (\S+))?$/.exec(proof) ?? [];
  if (script !== '') {
    if (scripts[script] === undefined) return 'no such script';
    return part === undefined || parts.some((name) => name === part) ? undefined : 'no such part of the bench';
  }
  if (!proof.endsWith('.test.ts')) return 'neither a test nor a bench';
  if (!existsSync(join(root, proof))) return 'no such file';
  return /\b(?:test|it)(?:\.each)?\(/.test(readFileSync(join(root, proof), 'utf8')) ? undefined : 'has no test';
};

test('every promise of docs/security.md names at least one test or bench, and each of them is there', () => {
  const [, promised = ''] = pageOf('security.md').split('\n## What is promised\n');
  const promises = rowsOf(promised);
  expect(promises.length).toBeGreaterThan(20);
  const unproven = promises.flatMap(([promise = '', , proof = '']) => {
    const proofs = [...proof.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
    const why = proofs.flatMap((name) => lacks(name) ?? []).join(', ');
    return proofs.length === 0 || why !== '' ? [`${promise.trim()}: ${why === '' ? 'no proof' : why}`] : [];
  });
  expect(unproven).toEqual([]);
});

test.each([
  ['npm run bench -- --only hostile', undefined],
  ['npm run bench -- --only nothing', 'no such part of the bench'],
  ['npm run nothing', 'no such script'],
  ['tools/none.test.ts', 'no such file'],
  ['tools/generate.ts', 'neither a test nor a bench'],
])('of %s it is said: %s', (proof, why) => {
  expect(lacks(proof)).toBe(why);
});

test('docs/personal-data.md says of every table what it keeps, for how long, and what ends it', () => {
  const rows = rowsOf(pageOf('personal-data.md'));
  const where = rows.map(([first = '']) => first).join('\n');
  const states = new Set<string>(familyNames.map((family) => familySpec(family).table));
  const others = Object.keys(allTableWords()).filter((table) => !states.has(table));
  expect(where).toContain('state tables');
  expect(others.length).toBeGreaterThan(8);
  expect(others.filter((table) => !where.includes(`\`${table}`))).toEqual([]);
  expect(rows.filter((row) => row.length !== 4 || row[1]?.trim() === '' || row[2]?.trim() === '')).toEqual([]);
});
