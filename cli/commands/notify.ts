import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { ruleFileSettings } from '#platform/config';
import { createLogger } from '#platform/log';
import { now } from '#platform/time';
import { examineEnvironment, openDestinations } from '../../services/notifier/channels/destinations.ts';
import type { Destination, Destinations } from '../../services/notifier/channels/destinations.ts';
import { loadRules, readText } from '../../services/notifier/open-rules.ts';
import type { RuleFile } from '../../services/notifier/open-rules.ts';
import { testMessage } from '../../services/notifier/rules/compose.ts';
import { examineRuleFile } from '../../services/notifier/rules/rule-file.ts';
import type { DestinationSpec } from '../../services/notifier/rules/rules.ts';
import { inWords } from '../../services/notifier/rules/yaml-file.ts';
import { environmentOf, exitCodes, print, printJson, settingsOf, UsageError, warn } from '../output.ts';

const ID_BYTES = 16;

interface JsonOption {
  readonly json: boolean;
}

export const addNotify = (program: Command): void => {
  const group = program
    .command('notify')
    .description('Check the file that says who is told what, and try its destinations.');
  group
    .command('check')
    .argument('<file>', 'a file as DAKIA_NOTIFICATIONS_FILE names it')
    .description(
      'Find everything that is wrong with a file of rules at once, by line. Needs no server. Variables of ' +
        'destinations that are not set here are named as a warning; what is wrong in those that are is a ' +
        'mistake. Exits 1 with mistakes.',
    )
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', '\nExample:\n  npx dakia notify check deploy/notifications.example.yaml')
    .action(check);
  group
    .command('test')
    .argument('<destination>', 'its name in the file of DAKIA_NOTIFICATIONS_FILE')
    .description(
      'Send a message that says it is a test, by the same way as every notification, and print what was ' +
        'answered. Exits 1 when it was not delivered.',
    )
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', '\nExample:\n  npx dakia notify test order-system')
    .action(test);
};

/** One mistake, or one warning. */
interface Finding {
  readonly line: number;
  /** Where in the file, by the names of things; null where it is no YAML. */
  readonly at: string | null;
  readonly text: string;
}

const check = (name: string, { json }: JsonOption, command: Command): void => {
  const source = readText(name);
  if (!source.ok) throw new UsageError(source.issues.map((issue) => `${name} ${issue}`).join('\n'));
  const { problems, destinations, rules } = examineRuleFile(source.value);
  const environment = examineEnvironment(destinations, environmentOf(command), createLogger('dakia', 'silent'));
  const findingOf = ({ line, name: destination }: DestinationSpec, text: string): Finding => ({
    line,
    at: `destinations.${destination}`,
    text,
  });
  const mistakes: readonly Finding[] = [
    ...problems,
    ...environment.flatMap(({ spec, issues }) => issues.map((issue) => findingOf(spec, issue))),
  ].toSorted((one, other) => one.line - other.line);
  const warnings = environment
    .filter(({ missing }) => missing.length > 0)
    .map(({ spec, missing }) =>
      findingOf(
        spec,
        `${missing.join(' and ')} not set here; ` +
          `${spec.settings.optional ? 'without it this destination is off' : 'the notifier does not start without it'}`,
      ),
    );
  const ok = mistakes.length === 0;
  if (!ok) process.exitCode = exitCodes.notAsExpected;
  if (json) return printJson({ ok, mistakes, warnings, rules: rules?.rules.length ?? null });
  for (const finding of mistakes) print(`${name}:${finding.line}: ${inWords(finding)}`, 'bad');
  for (const finding of warnings) warn(`warning: ${name}:${finding.line}: ${inWords(finding)}`);
  if (rules !== null && ok)
    print(`${name} is right: ${rules.rules.length} rules are on, for ${destinations.size} destinations`, 'good');
  else print(`${mistakes.length} ${mistakes.length === 1 ? 'mistake' : 'mistakes'}`, 'bad');
};

const test = async (name: string, { json }: JsonOption, command: Command): Promise<void> => {
  const file = loadRules(settingsOf(command, ruleFileSettings));
  if (!file.ok) throw new UsageError(file.issues.join('\n'));
  const { open, off } = openOne(file.value, name, command);
  const destination = open.get(name);
  const { delivered, answer } =
    destination === undefined
      ? { delivered: false, answer: `it is off: ${off.flatMap(({ missing }) => missing).join(' and ')} not set` }
      : await attempt(destination, file.value);
  if (json) printJson({ ok: delivered, destination: name, answer });
  else if (delivered) print(`${name}: delivered, ${answer}`, 'good');
  else warn(`${name}: not delivered, ${answer}`, 'bad');
  if (!delivered) process.exitCode = exitCodes.notAsExpected;
};

/** Opens this destination only: what is wrong with others is not its trouble. */
const openOne = ({ rules, name: fileName }: RuleFile, name: string, command: Command): Destinations => {
  const spec = rules.destinations.get(name);
  if (spec === undefined)
    throw new UsageError(
      `${fileName} has no destination "${name}"; it has ${[...rules.destinations.keys()].join(', ')}`,
    );
  // What the log channel says is shown: it is the delivery.
  const log = createLogger('dakia', 'info', { write: (line) => void process.stderr.write(line) });
  const opened = openDestinations(new Map([[name, spec]]), environmentOf(command), log, fileName);
  if (!opened.ok) throw new UsageError(opened.issues.join('\n'));
  return opened.value;
};

const attempt = async (
  destination: Destination,
  { rules }: RuleFile,
): Promise<{ readonly delivered: boolean; readonly answer: string }> => {
  const context = {
    notificationId: `ntf_${randomBytes(ID_BYTES).toString('hex')}`,
    sequence: 1,
    attempt: 1,
    signal: new AbortController().signal,
  };
  try {
    const outcome = await destination.deliver(testMessage(rules, now()), context);
    return outcome.kind === 'delivered'
      ? { delivered: true, answer: outcome.response }
      : { delivered: false, answer: outcome.reason };
  } finally {
    await destination.close();
  }
};
