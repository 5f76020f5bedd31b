import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RUNBOOKS } from './rules.ts';

/** A page of docs/runbooks, taken apart. */
export interface Runbook {
  /** Of the file, without `.md`. */
  readonly name: string;
  /** Of each section with its text, in their order. */
  readonly sections: ReadonlyMap<string, string>;
  /** The first heading. */
  readonly title: string;
  /** `dashboard: panel`, as it names them in bold. */
  readonly panels: readonly string[];
  /** Arguments of every `npx dakia`, in blocks and in lines. */
  readonly commands: readonly (readonly string[])[];
  /** Blocks of SQL. */
  readonly queries: readonly string[];
  /** Lines of shell that are no `npx dakia`. */
  readonly otherCommands: readonly string[];
}

/** What every page answers, in this order. */
export const SECTIONS = [
  'What it means for money',
  'First look',
  'Causes, most likely first',
  'What to do',
  'How to know that it is over',
] as const;

/** Programs that a person at three has: called from outside, where Dakia's own command cannot look. */
export const OTHER_PROGRAMS: readonly string[] = ['curl', 'openssl'];

const FOLDER = join(import.meta.dirname, '..', '..', RUNBOOKS);
const README = 'README';

const blocksOf = (page: string, language: string): readonly string[] =>
  [...page.matchAll(/```(\w+)\n([\s\S]*?)```/g)].flatMap(([, of, text = '']) => (of === language ? [text.trim()] : []));

/** Takes a line apart as a shell does. */
const words = (line: string): readonly string[] =>
  [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, bare]) => double ?? single ?? bare ?? '');

/** Prose breaks its lines anywhere. */
const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ');

const COMMAND = /^npx dakia /;

const read = (name: string): Runbook => {
  const page = readFileSync(join(FOLDER, `${name}.md`), 'utf8');
  const [head = '', ...parts] = page.split(/^## /m);
  const shell = blocksOf(page, 'sh').flatMap((block) => block.split('\n'));
  const inline = [...page.matchAll(/`(npx dakia [^`]+)`/g)].map(([, command = '']) => oneLine(command));
  return {
    name,
    title: /^# (.+)$/m.exec(head)?.[1] ?? '',
    sections: new Map(
      parts.map((part) => {
        const [title = '', ...text] = part.split('\n');
        return [title, text.join('\n').trim()];
      }),
    ),
    panels: [...page.matchAll(/\*\*([a-z]+: [^*]+)\*\*/g)].map(([, panel = '']) => oneLine(panel)),
    commands: [...shell, ...inline]
      .filter((line) => COMMAND.test(line))
      .map((line) => words(line.replace(COMMAND, ''))),
    queries: blocksOf(page, 'sql'),
    otherCommands: shell.filter((line) => !COMMAND.test(line)),
  };
};

/** All of them, in the order of their names. */
export const runbooks = (): readonly Runbook[] =>
  readdirSync(FOLDER)
    .filter((file) => file.endsWith('.md') && file !== `${README}.md`)
    .map((file) => read(file.slice(0, -'.md'.length)))
    .sort((a, b) => a.name.localeCompare(b.name));

/** What stands in a command for what the reader has to put there. */
export const PLACEHOLDER = /^[A-Z]+(_[A-Z]+)*$/;
