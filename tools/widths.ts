/**
 * Lines of at most 120 columns where the formatter of code breaks none: long texts, SQL, YAML and Markdown. Markdown is
 * wrapped by `npm run format`; `widths.test.ts` asks for the rest.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

export const COLUMNS_MAX = 120;
/** Migrations up to this number came before the rule. They have landed, so their bytes never change. */
const MIGRATION_BEFORE_THE_RULE = 399;
/** Longest part of a line that has no place to break: an address, a hash, a pattern. */
const UNBROKEN_MAX = 60;

const root = join(import.meta.dirname, '..');
const columns = (text: string): number => [...text].length;

/** All files that the rule is about, from the root of the checkout. */
export const filesOfTheRule = (): readonly string[] =>
  execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.ts', '*.sql', '*.yaml', '*.yml', '*.md'], {
    cwd: root,
    encoding: 'utf8',
  })
    .split('\n')
    .filter((path) => path !== '' && !isOldMigration(path));

const isOldMigration = (path: string): boolean =>
  Number(/^migrations\/(\d{4})_.*\.sql$/.exec(path)?.[1] ?? Number.POSITIVE_INFINITY) <= MIGRATION_BEFORE_THE_RULE;

/** Numbers of the lines that are too wide and can be broken, from 1; of Markdown those that `wrapMarkdown` breaks. */
export const wideLines = (path: string, text: string): readonly number[] => {
  const kept = path.endsWith('.md') ? new Set(wrapMarkdown(text).split('\n')) : undefined;
  const isUnbreakable = path.endsWith('.ts') ? unbreakableCode(text) : isTemplate;
  return text.split('\n').flatMap((line, index, all) => {
    if (columns(line) <= COLUMNS_MAX || kept?.has(line) === true || isUnbreakable(index, line, all)) return [];
    return line.split(/\s+/).some((part) => columns(part) > UNBROKEN_MAX) ? [] : [index + 1];
  });
};

/** A line of Helm or of a message with `{{values}}`: a break in YAML would be part of the text, or of the program. */
const isTemplate = (_index: number, line: string): boolean => line.includes('{{');

const TITLED = /^\s*(test|describe|it)\b/;
const PATTERN = /(^\s*|\()\/(?![/*])/;

/**
 * What stays as it is in code: titles of tests, which people search for; patterns; and texts in backticks, where a
 * break would be part of the text (most of them SQL, and sentences with values in between).
 */
const unbreakableCode = (text: string) => {
  const isInside = text
    .split('\n')
    .reduce<readonly boolean[]>(
      (before, line) => [...before, (before.at(-1) ?? false) !== (line.split('`').length % 2 === 0)],
      [],
    );
  return (index: number, line: string, all: readonly string[]): boolean =>
    line.includes('`') ||
    isInside[index] === true ||
    PATTERN.test(line) ||
    TITLED.test(line) ||
    (/^\s*['"]/.test(line) && TITLED.test(all[index - 1] ?? ''));
};

const FENCE = /^\s*(```|~~~)/;
const ITEM = /^(\s*(?:[-*+]|\d+\.)\s+)/;
/** What is no running text: headings, rows of tables, markup, quotes, and indented code. */
const KEPT = /^(#|\s*\||\s*<|\s*>|\s*$|\s*\[[^\]]+\]:)/;
/** A word that means something else at the beginning of a line. */
const MARKER = /^([-+*#>|<=~]|\d+[.)]$)/;

/** Breaks the lines of running text that are too wide. Tables, code and headings stay, and so does what is narrow. */
export const wrapMarkdown = (text: string): string => {
  const out: string[] = [];
  let block: string[] = [];
  let fenced = false;
  const flush = (): void => {
    out.push(...wrapBlock(block));
    block = [];
  };
  for (const line of text.split('\n')) {
    const isFence = FENCE.test(line);
    if (isFence || fenced || KEPT.test(line)) {
      flush();
      out.push(line);
      if (isFence) fenced = !fenced;
      continue;
    }
    if (ITEM.test(line)) flush();
    block.push(line);
  }
  flush();
  return out.join('\n');
};

/** A paragraph or an item of a list, wrapped from its first wide line on. */
const wrapBlock = (block: readonly string[]): readonly string[] => {
  const first = block.findIndex((line) => columns(line) > COLUMNS_MAX);
  const [head] = block;
  if (first < 0 || head === undefined) return block;
  const item = ITEM.exec(head)?.[1];
  const own = /^\s*/.exec(head)?.[0] ?? '';
  const indent = item === undefined ? own : ' '.repeat(item.length);
  const start = first === 0 ? (item ?? own) : indent;
  const rest = block
    .slice(first)
    .map((line, index) => (index === 0 && first === 0 ? line.slice(start.length) : line.trim()))
    .join(' ');
  return [...block.slice(0, first), ...fill(piecesOf(rest), start, indent)];
};

/** Words, of which code in backticks is one, and what must not begin a line is part of the one before it. */
const piecesOf = (text: string): readonly string[] => {
  const words = text.match(/(?:`[^`]*`|[^\s`])+|`/g) ?? [];
  const pieces: string[] = [];
  for (const word of words) {
    if (pieces.length > 0 && MARKER.test(word)) pieces.push(`${pieces.pop() ?? ''} ${word}`);
    else pieces.push(word);
  }
  return pieces;
};

const fill = (pieces: readonly string[], start: string, indent: string): readonly string[] => {
  const lines: string[] = [];
  let line = start;
  let isEmpty = true;
  for (const piece of pieces) {
    if (!isEmpty && columns(line) + 1 + columns(piece) > COLUMNS_MAX) {
      lines.push(line);
      line = indent;
      isEmpty = true;
    }
    line += isEmpty ? piece : ` ${piece}`;
    isEmpty = false;
  }
  return [...lines, line];
};
