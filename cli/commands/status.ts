import type { Command } from 'commander';
import { accounting } from '#operate';
import type { Account } from '#operate';
import { readLogs } from '#platform/kafka';
import { OPERATOR_ROLE } from '#platform/postgres';
import { openKafka, withDatabase } from '../connections.ts';
import { exitCodes, noneOf, print, printJson, printTable } from '../frame.ts';

export const addStatus = (program: Command): void => {
  program
    .command('status')
    .description(
      'Account for every event that Kafka took: per partition and in total. Exits 1 when it does not add up.',
    )
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', '\nExample:\n  npx dakia status')
    .action(run);
};

const run = async ({ json }: { readonly json: boolean }, command: Command): Promise<void> => {
  const { kafka, prefix, topics } = await openKafka(command);
  const account = await withDatabase(command, OPERATOR_ROLE, (database) =>
    accounting(database, () => readLogs(kafka, { topics, prefix })),
  );
  if (json) printJson(account);
  else describe(account);
  if (!account.ok) process.exitCode = exitCodes.notAsExpected;
};

const FIGURES = [
  'accepted',
  'applied',
  'duplicate',
  'stale',
  'rejected',
  'parked',
  'quarantined',
  'dead',
  'lag',
] as const;

/** Partitions without a record are left out; `--json` has them. */
const describe = ({ ok, difference, totals, partitions }: Account): void => {
  const rows = partitions
    .filter(({ accepted, problem }) => accepted > 0 || problem !== null)
    .map((one) => [`${one.topic}/${one.partition}`, ...FIGURES.map((name) => one[name]), one.problem ?? '']);
  const verdict = ok
    ? 'adds up: every event is accounted for'
    : `does not add up: ${difference} events are not accounted for`;
  if (rows.length === 0) print(noneOf('events', false));
  else printTable([['partition', ...FIGURES, ''], ...rows, ['total', ...FIGURES.map((name) => totals[name]), '']]);
  print(`\n${verdict}`, ok ? 'good' : 'bad');
};
