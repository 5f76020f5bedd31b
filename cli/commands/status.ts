import type { Command } from 'commander';
import { createEnvelopeDecoder, createSchemaLookup } from '#envelope';
import { accounting, explainDifference, STALLED_AFTER_S, understoodInQuarantine } from '#operate';
import type { Account, Finding, PartitionAccount, Understood } from '#operate';
import { registrySettings } from '#platform/config';
import { readLogs, readTopics } from '#platform/kafka';
import { OPERATOR_ROLE } from '#platform/postgres';
import { dispositions } from '#rules';
import { openKafka, withDatabase } from '../connections.ts';
import type { OpenKafka } from '../connections.ts';
import { exitCodes, noneOf, print, printJson, printTable, settingsOf, wholeNumber } from '../output.ts';

interface StatusOptions {
  readonly json: boolean;
  readonly all: boolean;
  readonly explain: boolean;
  readonly stalledAfter: number;
}

const STALLED_AFTER_MAX_S = 86_400;

export const addStatus = (program: Command): void => {
  program
    .command('status')
    .description(
      'Account for every event that Kafka took, and say what stands still. Exits 1 when it does not add up, when ' +
        'something that waits has not moved for a minute, or when the quarantine has events that this ' +
        'release understands.',
    )
    .option('--all', 'print every partition that has records, not only those with a problem', false)
    .option(
      '--explain',
      'also compare every row with the ledger, and name each event that is missing or too much; reads whole ' +
        'tables, and the topics that differ',
      false,
    )
    .option(
      '--stalled-after <seconds>',
      'how long something may wait',
      wholeNumber(1, STALLED_AFTER_MAX_S),
      STALLED_AFTER_S,
    )
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', '\nExample:\n  npx dakia status\n  npx dakia status --explain')
    .action(run);
};

const run = async ({ json, all, explain, stalledAfter }: StatusOptions, command: Command): Promise<void> => {
  const opened = await openKafka(command);
  const { kafka, prefix, topics } = opened;
  const [account, understood] = await withDatabase(command, OPERATOR_ROLE, async (database) => [
    await accounting(database, () => readLogs(kafka, { topics, prefix, agedMs: stalledAfter * 1000 }), stalledAfter),
    await understoodInQuarantine(database),
  ]);
  const findings = explain ? await findingsOf(opened, command) : undefined;
  const ok = account.ok && understood.events === 0 && (findings ?? []).length === 0;
  if (json) printJson({ ...account, ok, understood, ...(findings !== undefined && { findings }) });
  else describe(account, understood, all);
  if (!json && findings !== undefined) describeFindings(findings);
  if (!ok) process.exitCode = exitCodes.notAsExpected;
};

const findingsOf = async ({ kafka, prefix }: OpenKafka, command: Command): Promise<readonly Finding[]> => {
  const { schemaRegistryUrl } = settingsOf(command, registrySettings);
  const decoder = createEnvelopeDecoder(
    schemaRegistryUrl === undefined ? undefined : createSchemaLookup(schemaRegistryUrl),
  );
  return withDatabase(command, OPERATOR_ROLE, (database) =>
    explainDifference({
      database,
      decoder,
      read: (topics, onBatch) => readTopics(kafka, { topics, prefix, onBatch }),
    }),
  );
};

/** Event ids of an entity that are printed; all of them are in the JSON. */
const EVENT_IDS_SHOWN = 5;

const findingText = (finding: Finding): string => {
  switch (finding.kind) {
    case 'event':
      return (
        `${finding.eventId} (${finding.event ?? 'no event name'} of ${finding.key ?? 'no key'}) at offset ` +
        `${finding.offset} is in Kafka and not in webhook_events: apply it with npx dakia ledger rebase --to ` +
        `${finding.offset}, then npx dakia ledger recount`
      );
    case 'unnamed':
      return (
        `${finding.events} events are counted and not in webhook_events, and Kafka does not have them any ` +
        'more: restore a backup, or accept it with npx dakia ledger recount'
      );
    case 'uncounted':
      return (
        `${finding.eventId} is in webhook_events for offset ${finding.offset}, where Kafka has another record ` +
        'or none: nobody counted it; find out who wrote it, then npx dakia ledger recount'
      );
    case 'surplus':
      return (
        `${finding.events} more events are in webhook_events as ${finding.verdicts.join(' or ')} than are ` +
        'counted: accept it with npx dakia ledger recount'
      );
    case 'ledger-row':
      return (
        `the ledger has no row, but webhook_events has ${finding.events} events of it: its consumer makes the ` +
        'row anew, and meets them again as duplicates; then npx dakia ledger recount'
      );
    case 'entity':
      return (
        `${finding.key} has no row, although events were applied to it: ` +
        `${finding.eventIds.slice(0, EVENT_IDS_SHOWN).join(', ')}; restore the row from a backup`
      );
  }
};

const describeFindings = (findings: readonly Finding[]): void => {
  if (findings.length === 0) return print('explained: the rows are those that the ledger counts', 'good');
  print('');
  printTable([
    ['where', 'what is wrong'],
    ...findings.map((finding) => [
      finding.kind === 'entity' ? finding.family : `${finding.topic}/${finding.partition}`,
      findingText(finding),
    ]),
  ]);
};

const FIGURES = ['accepted', ...dispositions, 'skipped', 'lag'] as const;

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

const problemsOf = (
  { partitions, overdue }: Account,
  { events, first, isCut }: Understood,
): readonly (readonly string[])[] => [
  ...partitions.filter((one) => troublesOf(one) !== '').map((one) => [place(one), troublesOf(one)]),
  ...overdue.map(({ group, keys, seconds }) => [
    group,
    `${keys} parked keys are overdue, the first for ${seconds} s: nobody tries them again (npx dakia parked list)`,
  ]),
  ...(first === null
    ? []
    : [
        [
          'quarantine',
          `${isCut ? 'at least ' : ''}${events} events wait that this release understands, the first is ` +
            `${first.eventId} (${first.event}, ${first.reason}): npx dakia quarantine replay --all --yes`,
        ],
      ]),
];

/** Problems first; the figures of each partition only with `all`; then the totals, and the two verdicts. */
const describe = (account: Account, understood: Understood, all: boolean): void => {
  const { addsUp, moves, difference, totals, partitions } = account;
  const problems = problemsOf(account, understood);
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
