import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { COLUMNS_MAX, filesOfTheRule, wideLines, wrapMarkdown } from './widths.ts';

const root = join(import.meta.dirname, '..');

test(`no line is wider than ${COLUMNS_MAX} columns; npm run format wraps Markdown`, () => {
  const wide = filesOfTheRule().flatMap((path) =>
    wideLines(path, readFileSync(join(root, path), 'utf8')).map((line) => `${path}:${line}`),
  );
  expect(wide).toEqual([]);
});

test('a long line of code, SQL and YAML is found, one with an address that cannot be broken is not', () => {
  const [long, address] = [`x = '${'word '.repeat(30)}'`, `see https://example.com/${'a'.repeat(110)}`];
  for (const path of ['libs/a.ts', 'migrations/0320_a.sql', 'charts/a.yaml'])
    expect(wideLines(path, `short\n${long}\n${address}\n`)).toEqual([2]);
});

const words = (count: number): string => Array.from({ length: count }, (_, at) => `word${at}`).join(' ');

test('running text of Markdown is wrapped, an item of a list below its first word; it says the same', () => {
  const text = `# ${words(30)}\n\n${words(40)}\nand a second line\n\n- short\n- ${words(40)}\n  1. ${words(30)}\n`;
  const wrapped = wrapMarkdown(text);
  expect(wideLines('a.md', text)).toEqual([3, 7, 8]);
  expect(wideLines('a.md', wrapped)).toEqual([]);
  expect(wrapped.split(/\s+/)).toEqual(text.split(/\s+/));
  expect(wrapped).toMatch(/\n- word0 .*\n {2}word\d+ /);
  expect(wrapped).toMatch(/\n {2}1\. word0 .*\n {5}word\d+ /);
  expect(wrapMarkdown(wrapped)).toBe(wrapped);
});

test('tables, code and what must not begin a line stay as they are', () => {
  const kept = [`| ${words(40)} |`, `\`\`\`\n${words(40)}\n\`\`\``, `<!-- ${words(40)} -->`, words(17)].join('\n\n');
  expect(wrapMarkdown(kept)).toBe(kept);
  const [line = ''] = wrapMarkdown(`${'a'.repeat(116)} \`two words\` - dash`).split('\n');
  expect(line).toBe('a'.repeat(116));
  expect(wrapMarkdown(`${'a'.repeat(118)} b + c`).split('\n')).toEqual(['a'.repeat(118), 'b + c']);
  expect(wrapMarkdown(`${'a'.repeat(117)} b + c`)).toBe(`${'a'.repeat(117)}\nb + c`);
});
