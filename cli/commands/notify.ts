import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { createLogger } from '#platform/log';
import { now } from '#platform/time';
import { openDestinations } from '../../services/notifier/channels/destinations.ts';
import type { Destination, Destinations } from '../../services/notifier/channels/destinations.ts';
import { loadRules, ruleFileSettings } from '../../services/notifier/open-rules.ts';
import type { RuleFile } from '../../services/notifier/open-rules.ts';
import { testMessage } from '../../services/notifier/rules/compose.ts';
import { environmentOf, exitCodes, print, printJson, settingsOf, UsageError, warn } from '../output.ts';

const ID_BYTES = 16;

interface TestOptions {
  readonly json: boolean;
}

export const addNotify = (program: Command): void => {
  program
    .command('notify')
    .description('Try the destinations of notifications.')
    .command('test')
    .argument('<destination>', 'its name in the file of DAKIA_NOTIFICATIONS_FILE')
    .description(
      'Send a message that says it is a test, by the same way as every notification, and print what was answered. Exits 1 when it was not delivered.',
    )
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', '\nExample:\n  npx dakia notify test order-system')
    .action(test);
};

const test = async (name: string, { json }: TestOptions, command: Command): Promise<void> => {
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
  const opened = openDestinations(
    { ...rules, destinations: new Map([[name, spec]]) },
    environmentOf(command),
    log,
    fileName,
  );
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
