import { parsed, unparsed } from '#rules';
import type { Parsed } from '#rules';
import { readDestinations } from '../channels/read-destinations.ts';
import { createFormats, isLocale, isTimeZone } from '../templates/formats.ts';
import { readRules } from './read-rules.ts';
import { readTemplates } from './read-templates.ts';
import type { NotificationRules } from './rules.ts';
import { fileShape } from './shapes.ts';
import { parseYaml, problemsOf } from './yaml-file.ts';
import type { Problem } from './yaml-file.ts';

/** Larger than any file of rules that a person keeps, and small enough to read at once; what is larger is another file by mistake. */
const FILE_BYTES_MAX = 512 * 1024;

/**
 * Reads a file of rules. Everything that is wrong with it is reported at once, as `<file>:<line>: <what>: <why>`; no value of
 * the file is shown but the names that it uses.
 */
export const readRuleFile = (source: string, fileName: string): Parsed<NotificationRules> => {
  if (Buffer.byteLength(source) > FILE_BYTES_MAX)
    return unparsed(`${fileName}:1: the file is larger than ${FILE_BYTES_MAX} bytes`);
  const { file, problems: broken } = parseYaml(source);
  if (broken.length > 0) return refused(fileName, broken);
  const shape = fileShape.safeParse(file.data);
  if (!shape.success) return refused(fileName, problemsOf(file, [], shape.error));

  const problems: Problem[] = [];
  const {
    time_zone,
    locale,
    destinations: givenDestinations,
    templates: givenTemplates,
    rules: givenRules,
  } = shape.data;
  if (!isTimeZone(time_zone))
    problems.push({ line: file.lineOf(['time_zone']), text: `time_zone: there is no time zone "${time_zone}"` });
  if (!isLocale(locale))
    problems.push({ line: file.lineOf(['locale']), text: `locale: there is no locale "${locale}"` });
  const destinations = readDestinations(file, givenDestinations, problems);
  const templates = readTemplates(file, givenTemplates, problems);
  const rules = readRules(
    file,
    givenRules,
    {
      templates,
      destinationNames: new Set(Object.keys(givenDestinations)),
      templateNames: new Set(Object.keys(givenTemplates)),
    },
    problems,
  );
  if (problems.length > 0) return refused(fileName, problems);
  return parsed({ formats: createFormats(locale, time_zone), timeZone: time_zone, destinations, rules });
};

const refused = (fileName: string, problems: readonly Problem[]): Parsed<never> =>
  unparsed(...problems.toSorted((a, b) => a.line - b.line).map(({ line, text }) => `${fileName}:${line}: ${text}`));
