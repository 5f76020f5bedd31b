import type { Command } from 'commander';
import { createEnvelopeDecoder, createSchemaLookup } from '#envelope';
import {
  accountOf,
  explainDifference,
  ledgerAlone,
  readCounted,
  readReceived,
  STALLED_AFTER_S,
  understoodInQuarantine,
  unkept,
} from '#operate';
import type {
  Account,
  Counted,
  Finding,
  LedgerAlone,
  PartitionAccount,
  Received,
  TopicAccount,
  Understood,
} from '#operate';
import { receivedSettings, registrySettings } from '#platform/config';
import { readLogs, readTopics } from '#kafka';
import { OPERATOR_ROLE } from '#platform/postgres';
import { inTime, TimedOut } from '#platform/time';
import { dispositions } from '#rules';
import { kafkaConfigOf, openKafka, withDatabase } from '../connections.ts';
import type { OpenKafka } from '../connections.ts';
import {
  exitCodes,
  noneOf,
  print,
  printJson,
  printLine,
  printTable,
  ServerError,
  serverErrorOf,
  settingsOf,
  wholeNumber,
} from '../output.ts';
import { timeOf } from '../times.ts';

interface StatusOptions {
  readonly json: boolean;
  readonly all: boolean;
  readonly explain: boolean;
  readonly stalledAfter: number;
  readonly timeout: number;
  readonly ingest?: string;
}

const STALLED_AFTER_MAX_S = 86_400;
/** How long Kafka may take for all that it is asked, in s: without it there is an answer, too. */
const KAFKA_ANSWERS_WITHIN_S = 30;
const KAFKA_ANSWERS_WITHIN_MAX_S = 3_600;

export const addStatus = (program: Command): void => {
  program
    .command('status')
    .description(
      'Account for every event that Kafka took, and say what stands still and what ingest has received and refused. ' +
        'Exits 1 when it does not add up, when something that waits has not moved for a minute, or when the ' +
        'quarantine has events that this release understands. Where Kafka does not answer in time it says so, ' +
        'prints what Postgres and ingest know, and exits 1.',
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
    .option(
      '--timeout <seconds>',
      'how long Kafka may take for all that it is asked, but for --explain',
      wholeNumber(1, KAFKA_ANSWERS_WITHIN_MAX_S),
      KAFKA_ANSWERS_WITHIN_S,
    )
    .option('--ingest <urls>', 'ops ports of the ingest processes (default: DAKIA_INGEST_OPS_URLS)')
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', '\nExample:\n  npx dakia status\n  npx dakia status --explain')
    .action(run);
};

const run = async (options: StatusOptions, command: Command): Promise<void> => {
  const { json, all, explain, stalledAfter, timeout, ingest } = options;
  // Settings that cannot be are said before anybody is asked.
  kafkaConfigOf(command);
  const { ingestOpsUrls } = settingsOf(command, receivedSettings, { DAKIA_INGEST_OPS_URLS: ingest });
  const until = performance.now() + timeout * 1000;
  const answerOfKafka = <Value>(asked: Promise<Value>): Promise<Value | ServerError> =>
    orServerError(inTime(until - performance.now(), asked, `no answer within ${timeout} s (--timeout)`));

  // Kafka's log is read last: it never seems to end before the ledger, nor to lack what Kafka has confirmed to ingest.
  const [opened, postgres, received] = await Promise.allSettled([
    answerOfKafka(openKafka(command)),
    withDatabase(command, OPERATOR_ROLE, async (database) => ({
      ...(await readCounted(database, stalledAfter)),
      understood: await understoodInQuarantine(database),
    })),
    ingestOpsUrls && readReceived(ingestOpsUrls),
  ]);
  const kafka = valueOf(opened);
  if (kafka instanceof ServerError && postgres.status === 'rejected') throw kafka;
  const found = { ...valueOf(postgres), received: valueOf(received) };
  if (kafka instanceof ServerError) throw withoutKafka(kafka, found, json);
  const { topics, prefix } = kafka;
  const logs = await answerOfKafka(readLogs(kafka.kafka, { topics, prefix, agedMs: stalledAfter * 1000 }));
  if (logs instanceof ServerError) {
    kafka.giveUp();
    throw withoutKafka(logs, found, json);
  }
  const account = accountOf(found.ledger, logs, found.waiting, found.overdue, { stalledAfterS: stalledAfter });
  const lost = found.received === undefined ? [] : unkept(found.received, logs);
  const findings = explain ? await findingsOf(kafka, command) : undefined;
  const ok = account.ok && found.understood.events === 0 && lost.length === 0 && (findings ?? []).length === 0;
  const { understood } = found;
  if (json)
    printJson({
      ...account,
      ok,
      understood,
      received: found.received ?? null,
      lost,
      ...(findings !== undefined && { findings }),
    });
  else describe({ account, understood, received: found.received, lost }, all);
  if (!json && findings !== undefined) describeFindings(findings);
  if (!ok) process.exitCode = exitCodes.notAsExpected;
};

const valueOf = <Value>(settled: PromiseSettledResult<Value>): Value => {
  if (settled.status === 'rejected') throw settled.reason;
  return settled.value;
};

/** What Kafka answers, or why it does not. Throws what is no fault of Kafka's. */
const orServerError = async <Value>(asked: Promise<Value>): Promise<Value | ServerError> => {
  try {
    return await asked;
  } catch (given) {
    const error = given instanceof TimedOut ? new ServerError('KAFKA_BROKERS', given) : serverErrorOf(given);
    if (error instanceof ServerError) return error;
    throw error;
  }
};

/** What there is to say. `lost`: topics that have fewer records than Kafka has confirmed. */
interface Answer {
  readonly account: Account;
  readonly understood: Understood;
  readonly received: Received | undefined;
  readonly lost: ReturnType<typeof unkept>;
}

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

const place = ({ topic, partition }: Pick<PartitionAccount, 'topic' | 'partition'>): string => `${topic}/${partition}`;

const problemsOf = ({ account: { partitions, overdue }, understood, lost }: Answer): readonly (readonly string[])[] => [
  ...lost.map(({ topic, confirmed, inKafka }) => [
    topic,
    `Kafka has confirmed ${confirmed} records to ingest and has had ${inKafka}: acknowledged events are lost, or the ` +
      'topic was made anew; compare with the Razorpay dashboard what is missing',
  ]),
  ...partitions.filter((one) => troublesOf(one) !== '').map((one) => [place(one), troublesOf(one)]),
  ...waitingProblems({ overdue, understood }),
];

/** What waits in Postgres and should not. */
const waitingProblems = ({
  overdue,
  understood: { events, first, isCut },
}: Pick<Account, 'overdue'> & { readonly understood: Understood }): readonly (readonly string[])[] => [
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

/** What was received, and where that went; one line for each process that did not say. */
const describeReceived = (received: Received | undefined): void => {
  if (received === undefined)
    return print('received: not known, neither --ingest nor DAKIA_INGEST_OPS_URLS says where ingest has /metrics');
  const { processes, silent, since, reasons } = received;
  if (processes > 0) {
    const most = reasons.slice(0, REASONS_SHOWN).map(([reason, count]) => `${count} ${reason}`);
    printLine(
      `received: ${received.received} = ${received.accepted} accepted + ${received.refused} refused + ` +
        `${received.unavailable} answered 503, by ${processes} ingest process${processes === 1 ? '' : 'es'} since ` +
        `${timeOf(new Date(since ?? 0))}${most.length === 0 ? '' : ` (${most.join(', ')})`}`,
    );
  }
  for (const problem of silent) printLine(`received: what ${problem} is not in it`, 'bad');
};
const REASONS_SHOWN = 5;

const row = (
  name: string,
  figures: TopicAccount | PartitionAccount | Account['totals'],
): readonly (string | number)[] => [name, ...FIGURES.map((figure) => figures[figure])];

/** Problems first; the figures of each topic, with `all` of each partition; then the totals, and the two verdicts. */
const describe = (answer: Answer, all: boolean): void => {
  const { addsUp, moves, difference, totals, topics, partitions } = answer.account;
  const problems = problemsOf(answer);
  if (problems.length > 0) {
    printTable([['where', 'problem'], ...problems]);
    print('');
  }
  describeReceived(answer.received);
  if (totals.accepted === 0 && problems.length === 0) print(noneOf('events', false));
  else
    printTable([
      [all ? 'partition' : 'topic', ...FIGURES],
      ...(all
        ? partitions.filter((one) => one.accepted > 0 || troublesOf(one) !== '').map((one) => row(place(one), one))
        : topics.filter((one) => one.accepted > 0).map((one) => row(one.topic, one))),
      row('total', totals),
    ]);
  const counted = totals.skipped === 0 ? '' : `; ${totals.skipped} were passed over by operators and never applied`;
  const missing = difference === 0 ? 'see the problems above' : `${difference} events are not accounted for`;
  print(
    `\n${addsUp ? 'adds up: every event is accounted for' : `does not add up: ${missing}`}${counted}`,
    addsUp ? 'good' : 'bad',
  );
  print(moves ? 'moves: nothing stands still' : 'stands still: see the problems above', moves ? 'good' : 'bad');
};

const LEDGER_FIGURES = [...dispositions, 'skipped'] as const;

/** Kafka does not answer: what Postgres and ingest know is printed, and what to throw is answered. */
const withoutKafka = (
  error: ServerError,
  { ledger, overdue, understood, received }: Counted & Pick<Answer, 'understood' | 'received'>,
  json: boolean,
): ServerError => {
  const counted = ledgerAlone({ ledger, overdue });
  if (json) return new ServerError(error.setting, error.cause, { counted, understood, received: received ?? null });
  const problems = [
    ...counted.told.map((one) => [place(one), `its consumer said: ${one.lastError}`]),
    ...waitingProblems({ overdue, understood }),
  ];
  if (problems.length > 0) {
    printTable([['where', 'problem'], ...problems]);
    print('');
  }
  describeReceived(received);
  const figures = LEDGER_FIGURES.filter((one) => counted.totals[one] > 0);
  const rowOf = (name: string, of: LedgerAlone['totals']) => [name, ...figures.map((one) => of[one])];
  printTable([
    ['topic', ...figures],
    ...counted.topics.map((one) => rowOf(one.topic, one)),
    rowOf('total', counted.totals),
  ]);
  print(
    '\nnot known without Kafka: what it took, what waits in it, and so whether every event is accounted for',
    'bad',
  );
  return error;
};
