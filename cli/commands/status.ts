import type { Command } from 'commander';
import { accounting, STALLED_AFTER_S } from '#operate';
import type { Account, PartitionAccount } from '#operate';
import { readLogs } from '#platform/kafka';
import { OPERATOR_ROLE } from '#platform/postgres';
import { openKafka, withDatabase } from '../connections.ts';
import { exitCodes, noneOf, print, printJson, printTable, wholeNumber } from '../frame.ts';

interface StatusOptions {
  readonly json: boolean;
  readonly all: boolean;
  readonly stalledAfter: number;
}

const STALLED_AFTER_MAX_S = 86_400;

export const addStatus = (program: Command): void => {
  program
    .command('status')
    .description(
      `Account for every event that Kafka took, and say what stands still. Exits 1 when it does not add up, or when something that waits has not moved for a minute.`,
    )
    .option('--all', 'print every partition that has records, not only those with a problem', false)
    .option(
      '--stalled-after <seconds>',
      'how long something may wait',
      wholeNumber(1, STALLED_AFTER_MAX_S),
      STALLED_AFTER_S,
    )
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', '\nExample:\n  npx dakia status')
    .action(run);
};

const run = async ({ json, all, stalledAfter }: StatusOptions, command: Command): Promise<void> => {
  const { kafka, prefix, topics } = await openKafka(command);
  const account = await withDatabase(command, OPERATOR_ROLE, (database) =>
    accounting(database, () => readLogs(kafka, { topics, prefix, agedMs: stalledAfter * 1000 }), stalledAfter),
  );
  if (json) printJson(account);
  else describe(account, all);
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
  'skipped',
  'lag',
] as const;

/** What is wrong with one partition, in words; empty when nothing is. */
const troublesOf = ({ problem, stalledSeconds, lag, lastError }: PartitionAccount): string =>
  [
    problem,
    stalledSeconds === null ? null : `${lag} records wait, and it has not moved for ${stalledSeconds} s`,
    lastError === null ? null : `its consumer said: ${lastError}`,
  ]
    .filter((text) => text !== null)
    .join('; ');

const place = ({ topic, partition }: PartitionAccount): string => `${topic}/${partition}`;

const problemsOf = ({ partitions, overdue }: Account): readonly (readonly string[])[] => [
  ...partitions.filter((one) => troublesOf(one) !== '').map((one) => [place(one), troublesOf(one)]),
  ...overdue.map(({ group, keys, seconds }) => [
    group,
    `${keys} parked keys are overdue, the first for ${seconds} s: nobody tries them again (npx dakia parked list)`,
  ]),
];

/** Problems first; the figures of each partition only with `all`; then the totals, and the two verdicts. */
const describe = (account: Account, all: boolean): void => {
  const { addsUp, moves, difference, totals, partitions } = account;
  const problems = problemsOf(account);
  if (problems.length > 0) {
    printTable([['where', 'problem'], ...problems]);
    print('');
  }
  const shown = all ? partitions.filter((one) => one.accepted > 0 || troublesOf(one) !== '') : [];
  if (totals.accepted === 0 && problems.length === 0) print(noneOf('events', false));
  else
    printTable([
      ['partition', ...FIGURES],
      ...shown.map((one) => [place(one), ...FIGURES.map((name) => one[name])]),
      ['total', ...FIGURES.map((name) => totals[name])],
    ]);
  const counted = totals.skipped === 0 ? '' : `; ${totals.skipped} were passed over by operators and never applied`;
  const missing = difference === 0 ? 'see the problems above' : `${difference} events are not accounted for`;
  print(
    `\n${addsUp ? 'adds up: every event is accounted for' : `does not add up: ${missing}`}${counted}`,
    addsUp ? 'good' : 'bad',
  );
  print(moves ? 'moves: nothing stands still' : 'stands still: see the problems above', moves ? 'good' : 'bad');
};
