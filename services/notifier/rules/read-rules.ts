import { factKinds, factSpec, isFactKind } from '#catalogue';
import type { FactKind, Family } from '#catalogue';
import { columnSpec, rowSpec } from '#families';
import { variablesOf } from '../templates/variables.ts';
import type { Words } from '../templates/words.ts';
import { readConditions } from './conditions.ts';
import { defaultWords } from './default-words.ts';
import { readWords } from './read-templates.ts';
import type { PlacedWords } from './read-templates.ts';
import type { Reminders, Rule } from './rules.ts';
import { readShape } from './read-shape.ts';
import { ruleShape } from './shapes.ts';
import type { RuleShape } from './shapes.ts';
import { inWords, problemAt } from './yaml-file.ts';
import type { Path, Problem, YamlFile } from './yaml-file.ts';

/** What rules may refer to. Names are known also of what is itself wrong, so that one mistake is reported once. */
interface Known {
  readonly templates: ReadonlyMap<string, PlacedWords>;
  /** Null where the section itself cannot be read. */
  readonly templateNames: ReadonlySet<string> | null;
  readonly destinationNames: ReadonlySet<string> | null;
}

/** For what a rule must have; what is said of them is left out. */
const STAND_INS = {
  name: 'not-read',
  when: 'not.read',
  to: 'not-read',
  'reminders.before': 'not_read',
  'reminders.hours': [1],
  'reminders.while': 'not_read',
};
/** They go together, so one that is wrong says nothing of the others. */
const WORDS: ReadonlySet<unknown> = new Set(['template', 'title', 'text']);

/** Whether what is to be said at `at` comes of a mistake that is told already. */
const follows = (at: Path, wrong: readonly Path[]): boolean =>
  wrong.some(
    (told) =>
      told.every((step, index) => at[index] === step) ||
      (told.length === at.length && WORDS.has(told.at(-1)) && WORDS.has(at.at(-1))) ||
      (told.length === 1 && told[0] === 'reminders' && at[0] === 'at_once'),
  );

export const readRules = (
  file: YamlFile,
  given: readonly unknown[],
  known: Known,
  problems: Problem[],
): readonly Rule[] => {
  const rules: Rule[] = [];
  const names = new Set<string>();
  for (const [index, value] of given.entries()) {
    const path = ['rules', index];
    const { data, wrong } = readShape(file, path, { shape: ruleShape, value, standIns: STAND_INS }, problems);
    if (data === null) continue;
    const say = (below: Path, text: string): void => {
      if (!follows(below, wrong)) problems.push(problemAt(file, [...path, ...below], text));
    };
    if (names.has(data.name)) say(['name'], `another rule is called "${data.name}" as well`);
    names.add(data.name);
    const rule = readRule(file, path, data, known, say, problems);
    if (data.enabled) rules.push(rule);
  }
  return rules;
};

type Say = (below: Path, text: string) => void;

/** Checks a rule against everything that it names. What it returns is used only when nothing was wrong anywhere. */
const readRule = (file: YamlFile, path: Path, given: RuleShape, known: Known, say: Say, problems: Problem[]): Rule => {
  const when = given.when.filter(isFactKind);
  for (const name of given.when) if (!isFactKind(name)) say(['when'], `there is no fact "${name}"; ${nearTo(name)}`);
  const families = [...new Set(when.map((kind) => factSpec(kind).family))];
  // Without a single known fact there is nothing to check the rest against, and one problem is told already.
  const { conditions, issues } =
    families.length === 0 ? { conditions: [], issues: [] } : readConditions(given.if, families);
  for (const { key, text } of issues) say(['if', key], text);
  for (const name of given.to)
    if (known.destinationNames?.has(name) === false) say(['to'], `there is no destination "${name}"`);
  if (!given.at_once && given.reminders === undefined)
    say(['at_once'], 'a rule that tells nothing at once needs reminders');
  const wordsAt = (below: Path, from: WordsGiven, isReminder: boolean): Words =>
    readChosen(
      file,
      [...path, ...below],
      from,
      { families, isReminder, known },
      (key, text) => say([...below, key], text),
      problems,
    );
  const words = wordsAt([], given, false);
  return {
    name: given.name,
    when: new Set(when),
    conditions,
    to: [...new Set(given.to)],
    words,
    atOnce: given.at_once,
    reminders: readReminders(given, families, wordsAt, words, say),
  };
};

const readReminders = (
  { reminders }: RuleShape,
  families: readonly Family[],
  wordsAt: (below: Path, from: WordsGiven, isReminder: boolean) => Words,
  words: Words,
  say: Say,
): Reminders | null => {
  if (reminders === undefined) return null;
  for (const family of families) {
    if (columnSpec(family, reminders.before)?.type !== 'timestamptz')
      say(['reminders', 'before'], `${family} have no time column "${reminders.before}"`);
    const statuses = rowSpec(family).statuses;
    for (const status of reminders.while)
      if (!statuses.includes(status))
        say(['reminders', 'while'], `${family} have no status "${status}"; they have ${statuses.join(', ')}`);
  }
  const hasWords = reminders.template !== undefined || reminders.title !== undefined || reminders.text !== undefined;
  return {
    before: reminders.before,
    hours: [...new Set(reminders.hours)].toSorted((a, b) => b - a),
    while: reminders.while,
    words: hasWords ? wordsAt(['reminders'], reminders, true) : words,
  };
};

interface WordsGiven {
  readonly template?: string | undefined;
  readonly title?: string | undefined;
  readonly text?: string | undefined;
}

interface Audience {
  readonly families: readonly Family[];
  readonly isReminder: boolean;
  readonly known: Known;
}

/** A template by name, or a title and a text of the rule's own, or the default words. */
const readChosen = (
  file: YamlFile,
  path: Path,
  { template, title, text }: WordsGiven,
  audience: Audience,
  say: (key: string, text: string) => void,
  problems: Problem[],
): Words => {
  if (template !== undefined && (title !== undefined || text !== undefined))
    say('template', 'give either a template or a title and a text');
  if (template === undefined && (title === undefined) !== (text === undefined))
    say(title === undefined ? 'text' : 'title', 'a title and a text go together');
  if (template !== undefined && audience.known.templateNames?.has(template) === false)
    say('template', `there is no template "${template}"`);
  const placed =
    template === undefined
      ? title === undefined || text === undefined
        ? undefined
        : readWords(file, path, { title, text }, problems)
      : audience.known.templates.get(template);
  if (placed === undefined) return defaultWords;
  for (const key of ['title', 'text'] as const) {
    for (const variable of placed.words[key].variables) {
      const without = audience.families.filter((family) => !variablesOf(family, audience.isReminder).has(variable));
      if (without.length === 0) continue;
      const at = [...placed.path, key];
      const problem = problemAt(
        file,
        at,
        `there is no variable "${variable}" in ${audience.isReminder ? 'a reminder' : 'a notification'} about ` +
          `${without.join(' or ')}`,
      );
      if (!problems.some((told) => inWords(told) === inWords(problem))) problems.push(problem);
    }
  }
  return placed.words;
};

/** The facts that a mistyped one may have meant. */
const nearTo = (name: string): string => {
  const [prefix] = name.split('.');
  const near = factKinds.filter((kind: FactKind) => kind.startsWith(`${prefix}.`));
  return near.length > 0
    ? `facts of ${prefix} are ${near.join(', ')}`
    : `facts are called like dispute.opened; docs/notifications.md lists all`;
};
