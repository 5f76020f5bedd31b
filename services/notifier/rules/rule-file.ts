import { parsed, unparsed } from '#rules';
import type { Parsed } from '#rules';
import { readDestinations } from '../channels/read-destinations.ts';
import { createFormats, isLocale, isTimeZone } from '../templates/formats.ts';
import { readRules } from './read-rules.ts';
import { readShape } from './read-shape.ts';
import { readTemplates } from './read-templates.ts';
import type { DestinationSpec, NotificationRules } from './rules.ts';
import { fileShape } from './shapes.ts';
import { inWords, parseYaml, problemAt } from './yaml-file.ts';
import type { Problem } from './yaml-file.ts';

/**
 * Larger than any file of rules that a person keeps, and small enough
 * to read at once; what is larger is another file by mistake.
 */
const FILE_BYTES_MAX = 512 * 1024;

/** A file as far as it can be read. */
export interface ExaminedFile {
  /** By line; none where the file is right. */
  readonly problems: readonly Problem[];
  /** Those that are right in themselves. */
  readonly destinations: ReadonlyMap<string, DestinationSpec>;
  /** Null where something is wrong. */
  readonly rules: NotificationRules | null;
}

/**
 * Reads a file of rules, and finds everything that is wrong with it
 * at once. No value of the file is shown but the names that it uses.
 */
export const examineRuleFile = (source: string): ExaminedFile => {
  if (Buffer.byteLength(source) > FILE_BYTES_MAX)
    return refused([{ line: 1, at: null, text: `the file is larger than ${FILE_BYTES_MAX} bytes` }]);
  const { file, problems: broken } = parseYaml(source);
  if (file === null) return refused(broken);

  const problems: Problem[] = [...broken];
  const { data, wrong } = readShape(
    file,
    [],
    { shape: fileShape, value: file.data, standIns: { destinations: {}, rules: [] } },
    problems,
  );
  if (data === null) return refused(problems);
  const { time_zone: timeZone, locale } = data;
  if (!isTimeZone(timeZone)) problems.push(problemAt(file, ['time_zone'], `there is no time zone "${timeZone}"`));
  if (!isLocale(locale)) problems.push(problemAt(file, ['locale'], `there is no locale "${locale}"`));
  const destinations = readDestinations(file, data.destinations, problems);
  const templates = readTemplates(file, data.templates, problems);
  const namesIn = (section: 'destinations' | 'templates'): ReadonlySet<string> | null =>
    wrong.some(([key]) => key === section) ? null : new Set(Object.keys(data[section]));
  const rules = readRules(
    file,
    data.rules,
    { templates, destinationNames: namesIn('destinations'), templateNames: namesIn('templates') },
    problems,
  );
  if (problems.length > 0) return refused(problems, destinations);
  return { problems, destinations, rules: { formats: createFormats(locale, timeZone), timeZone, destinations, rules } };
};

const refused = (
  problems: readonly Problem[],
  destinations: ExaminedFile['destinations'] = new Map(),
): ExaminedFile => ({ problems: problems.toSorted((a, b) => a.line - b.line), destinations, rules: null });

/** The rules of a file that is right; else everything that is wrong with it, as `<file>:<line>: <what>: <why>`. */
export const readRuleFile = (source: string, fileName: string): Parsed<NotificationRules> => {
  const { problems, rules } = examineRuleFile(source);
  return rules === null
    ? unparsed(...problems.map((problem) => `${fileName}:${problem.line}: ${inWords(problem)}`))
    : parsed(rules);
};
