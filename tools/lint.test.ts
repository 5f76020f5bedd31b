import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** The linter starts once for all snippets, and the machine may be busy with others. */
jest.setTimeout(60_000);

const root = join(import.meta.dirname, '..');
const REASON = '// oxlint-disable-next-line';
const lines = (count: number, line: string): string => `${line}\n`.repeat(count);
const longFunction =
  `export const long = (): number[] => {\nconst all: number[] = [];\n` +
  `${lines(70, 'all.push(1);')}return all;\n};\n`;

/**
 * What each rule, and the type check, must find, and where: one file each. The names are those that the linter prints.
 */
const BAD: readonly (readonly [rule: string, code: string, path?: string])[] = [
  ['eslint(eqeqeq)', 'export const f = (a: string | null) => a == null;'],
  ['eslint(max-lines)', lines(401, '')],
  ['eslint(max-lines-per-function)', longFunction],
  ['eslint(no-array-constructor)', 'export const a: unknown = new Array(1, 2);'],
  ['eslint(no-unused-vars)', 'import { join } from "node:path";\nexport const a = 1;'],
  ['eslint(no-unused-expressions)', 'export const f = (a: number) => { a + 1; };'],
  ['eslint(no-var)', 'export var a = 1;'],
  ['eslint(no-warning-comments)', '// later: to' + 'do\nexport const a = 1;'],
  ['eslint(prefer-const)', 'let a = 1;\nexport { a };'],
  ['eslint(prefer-rest-params)', 'export function f(): number { return Array.from(arguments).length; }'],
  ['eslint(prefer-spread)', 'export const f = (...n: number[]) => Math.max.apply(Math, n);'],
  ['jest(no-restricted-jest-methods)', 'test("a", () => { jest.fn(); });', 'libs/a.test.ts'],
  ['jest(no-restricted-jest-methods)', 'jest.mock("node:fs");', 'libs/b.test.ts'],
  ['jest(no-restricted-jest-methods)', 'jest.spyOn(console, "log");', 'test/c.test.ts'],
  ['eslint(no-restricted-globals)', 'jest.spyOn(console, "log");', 'test/kit/c.ts'],
  ['jest(no-restricted-jest-methods)', 'jest.unstable_mockModule("node:fs", () => ({}));', 'libs/d.test.ts'],
  ['typescript(await-thenable)', 'export const f = async () => { await 1; };'],
  ['typescript(ban-ts-comment)', '// @ts-ignore\nexport const a: number = "";'],
  ['typescript(consistent-type-imports)', 'import { Stats } from "node:fs";\nexport type S = Stats;'],
  ['typescript(no-array-delete)', 'export const f = (a: number[]) => { delete a[0]; };'],
  ['typescript(no-base-to-string)', 'export const f = (a: { b: number }) => String(a);'],
  ['typescript(no-duplicate-type-constituents)', 'export type A = "a" | "a";'],
  ['typescript(no-empty-object-type)', 'export const a: {} = 1;'],
  ['typescript(no-explicit-any)', 'export const f = (a: any): number => 1;'],
  ['typescript(no-extra-non-null-assertion)', 'export const f = (a: { b: 1 } | null) => a!!.b;'],
  ['typescript(no-floating-promises)', 'export const f = (a: Promise<void>) => { a; };'],
  ['typescript(no-for-in-array)', 'export const f = (a: number[]) => { for (const b in a) f([Number(b)]); };'],
  ['typescript(no-implied-eval)', 'setTimeout("a", 1);'],
  ['typescript(no-misused-new)', 'export interface A { new (): A }'],
  ['typescript(no-misused-promises)', 'export const f = (a: Promise<boolean>) => { if (a) f(a); };'],
  ['typescript(no-namespace)', 'export declare namespace A { const b: 1; }'],
  ['typescript(no-non-null-asserted-optional-chain)', 'export const f = (a?: { b: 1 }) => a?.b!;'],
  ['typescript(no-redundant-type-constituents)', 'export type A = unknown | string;'],
  ['typescript(no-require-imports)', 'export const a: unknown = require("node:fs");'],
  ['typescript(no-this-alias)', 'export function f(this: { b: 1 }) { const that = this; return () => that.b; }'],
  ['typescript(no-unnecessary-condition)', 'export const f = (a: string) => a ?? "b";'],
  ['typescript(no-unnecessary-type-assertion)', 'export const f = (a: string) => a as string;'],
  ['typescript(no-unnecessary-type-constraint)', 'export const f = <A extends unknown>(a: A) => [a];'],
  ['typescript(no-unsafe-argument)', 'export const f = (a: number) => { f(JSON.parse("1")); return a; };'],
  ['typescript(no-unsafe-assignment)', 'export const a = JSON.parse("1");'],
  ['typescript(no-unsafe-call)', 'JSON.parse("1")();'],
  ['typescript(no-unsafe-declaration-merging)', 'export class A {}\nexport interface A { b: 1 }'],
  ['typescript(no-unsafe-enum-comparison)', 'enum A { B }\nexport const f = (a: A) => a === 0;'],
  ['typescript(no-unsafe-function-type)', 'export const f = (a: Function) => [a];'],
  ['typescript(no-unsafe-member-access)', 'export const f = () => { void JSON.parse("1").b; };'],
  ['typescript(no-unsafe-return)', 'export const f = () => JSON.parse("1");'],
  ['typescript(no-unsafe-unary-minus)', 'export const f = (a: string) => -a;'],
  ['typescript(no-wrapper-object-types)', 'export const f = (a: String) => [a];'],
  ['typescript(only-throw-error)', 'export const f = () => { throw "a"; };'],
  ['typescript(prefer-as-const)', 'export const f = (a = "b" as "b") => a;'],
  ['typescript(prefer-promise-reject-errors)', 'export const f = () => Promise.reject("a");'],
  ['typescript(restrict-plus-operands)', 'export const f = (a: string, b: number[]) => a + b;'],
  ['typescript(restrict-template-expressions)', 'export const f = (a: { b: 1 }) => `${a}`;'],
  ['typescript(switch-exhaustiveness-check)', 'export const f = (a: "b" | "c") => { switch (a) { case "b": f(a); } };'],
  ['typescript(triple-slash-reference)', '/// <reference path="./b.ts" />\nexport const a = 1;'],
  ['typescript(unbound-method)', 'export class A { b() { return this; } }\nexport const c = new A().b;'],
  ['eslint(no-restricted-properties)', 'export const a = process.env;', 'libs/a.ts'],
  ['eslint(no-restricted-properties)', 'export const a = process.env;', 'services/a.ts'],
  ['eslint(no-restricted-properties)', 'export const a = Math.random();', 'libs/domain/a.ts'],
  ['eslint(no-restricted-globals)', 'export const a = Date.now();', 'libs/domain/b.ts'],
  ['eslint(no-restricted-globals)', 'export const a = process.env;', 'libs/domain/c.ts'],
  ['eslint(no-restricted-imports)', 'export { join } from "node:path";', 'libs/domain/d.ts'],
  ['typescript(TS2322)', 'export const a: number = "";'],
  ['typescript(TS1294)', 'export enum A { B }'],
  ['typescript(TS2375)', 'export const a: { b?: number } = { b: undefined };'],
  ['typescript(TS6196)', 'type A = 1;\nexport const a = 1;'],
];

/** What is meant to pass: a reason beside a long function, and what tests and scripts may do. */
const GOOD: readonly (readonly [path: string, code: string])[] = [
  ['libs/reason.ts', `${REASON} max-lines-per-function -- because\n${longFunction}`],
  ['libs/long.test.ts', longFunction],
  ['libs/platform/config/env.ts', 'export const a = process.env;'],
  ['libs/domain/date.test.ts', 'export const a = Date.now();'],
  ['libs/any.test.ts', 'export const a: unknown = JSON.parse("1");\nexport const b = JSON.parse("1");'],
];

interface Diagnostic {
  readonly code?: string;
  readonly message: string;
  readonly filename: string;
}

let found: ReadonlyMap<string, readonly string[]>;
const pathOf = (index: number): string => BAD[index]?.[2] ?? `tools/bad-${index}.ts`;
const write = (folder: string, path: string, code: string): void => {
  mkdirSync(join(folder, dirname(path)), { recursive: true });
  writeFileSync(join(folder, path), `${code}\n`);
};

/** One run over a folder that has our configuration and nothing else of ours. */
beforeAll(() => {
  const folder = mkdtempSync(join(tmpdir(), 'dakia-lint-'));
  try {
    for (const name of ['.oxlintrc.json', 'tsconfig.json', 'package.json'])
      copyFileSync(join(root, name), join(folder, name));
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    for (const [index, [, code]] of BAD.entries()) write(folder, pathOf(index), code);
    for (const [path, code] of GOOD) write(folder, path, code);
    // The folders by name: of `.` the linter would follow the link into node_modules.
    const args = [join(root, 'node_modules', '.bin', 'oxlint'), '-f', 'json', 'libs', 'services', 'test', 'tools'];
    const { stdout } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', timeout: 50_000 });
    const { diagnostics } = JSON.parse(stdout) as { readonly diagnostics: readonly Diagnostic[] };
    const byFile = Map.groupBy(diagnostics, ({ filename }) => filename);
    found = new Map([...byFile].map(([file, all]) => [file, all.map(({ code, message }) => code ?? message)]));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each(BAD.map(([rule, code], index) => [rule, code.slice(0, 60), index] as const))(
  '%s is found in %j',
  (rule, _code, index) => {
    expect(found.get(pathOf(index)) ?? []).toContain(rule);
  },
);

test.each(GOOD)('%s is left alone', (path) => {
  expect(found.get(path) ?? []).toEqual([]);
});

test('each rule that the configuration names has a snippet', () => {
  const configured = readFileSync(join(root, '.oxlintrc.json'), 'utf8').matchAll(
    /"([a-z-]+(?:\/[a-z-]+)?)": (?:\[\s*)?"error"/g,
  );
  const shown = new Set(BAD.map(([rule]) => rule));
  for (const [, name = ''] of configured) {
    const [plugin, rule] = name.includes('/') ? name.split('/') : ['eslint', name];
    if (name !== 'correctness') expect(shown).toContain(`${plugin}(${rule})`);
  }
});
