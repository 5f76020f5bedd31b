import { readLedger } from '#apply';
import type { LedgerRow } from '#apply';
import { adHoc } from '#platform/postgres';
import type { Database } from '#platform/postgres';
import { dispositions } from '#rules';
import type { Disposition } from '#rules';

/** What Kafka says of a partition. Topics carry no prefix. */
export interface LogEnd {
  readonly topic: string;
  readonly partition: number;
  readonly startOffset: bigint;
  readonly endOffset: bigint;
  /** Left out where only the sum is asked for, as in tests. */
  readonly clusterId?: string;
  /** Records before this offset are older than the limit after which a partition with such records must have moved. */
  readonly agedOffset?: bigint;
}

type Figures = Readonly<Record<Disposition | 'accepted' | 'skipped' | 'lag', number>>;

export interface PartitionAccount extends Figures {
  readonly group: string | null;
  readonly topic: string;
  readonly partition: number;
  /** What does not add up, in words; null when all does. */
  readonly problem: string | null;
  /**
   * Seconds since the position last moved, where records have waited for longer than the limit; null where none have.
   */
  readonly stalledSeconds: number | null;
  /** What its consumer said last of why it does not go on; null once the position has moved since. */
  readonly lastError: string | null;
}

export type TopicAccount = Figures & { readonly topic: string };

/** Parked keys of one group that should have been tried again, and were not. */
export interface OverdueKeys {
  readonly group: string;
  readonly keys: number;
  /** How long the first of them is overdue. */
  readonly seconds: number;
}

/**
 * Two verdicts: `addsUp` when every accepted event is accounted for, `moves` when nothing stands still. `ok` is both.
 */
export interface Account {
  readonly ok: boolean;
  readonly addsUp: boolean;
  readonly moves: boolean;
  /** How many events are not accounted for. */
  readonly difference: number;
  readonly totals: Figures;
  /** Sums of the partitions. */
  readonly topics: readonly TopicAccount[];
  readonly partitions: readonly PartitionAccount[];
  readonly overdue: readonly OverdueKeys[];
}

/** Events that wait in webhook_events for their key, per partition. */
export interface Waiting {
  readonly topic: string;
  readonly partition: number;
  readonly events: number;
}

const figureNames = ['accepted', ...dispositions, 'skipped', 'lag'] as const;
const place = ({ topic, partition }: { readonly topic: string; readonly partition: number }): string =>
  `${topic}/${partition}`;

/**
 * Compares three sources that know nothing of each other: Kafka's own
 * offsets, the ledger's counts, and the rows that wait.
 */
export const accountOf = (
  ledger: readonly LedgerRow[],
  logs: readonly LogEnd[],
  waiting: readonly Waiting[],
  overdue: readonly OverdueKeys[] = [],
  {
    nowMs = Date.now(),
    stalledAfterS = STALLED_AFTER_S,
  }: { readonly nowMs?: number; readonly stalledAfterS?: number } = {},
): Account => {
  const rows = new Map(ledger.map((row) => [place(row), row]));
  const events = new Map(waiting.map((entry) => [place(entry), entry.events]));
  const known = new Set(logs.map(place));
  const partitions = [
    ...logs.map((log) =>
      partitionAccount(rows.get(place(log)), log, events.get(place(log)) ?? 0, { nowMs, stalledAfterS }),
    ),
    ...ledger
      .filter((row) => !known.has(place(row)))
      .map((row) => partitionAccount(row, undefined, events.get(place(row)) ?? 0, { nowMs, stalledAfterS })),
  ];
  const topics = [...Map.groupBy(partitions, ({ topic }) => topic)].map(([topic, ofTopic]) => ({
    topic,
    ...sumOf(ofTopic),
  }));
  const difference = partitions.reduce((sum, account) => sum + Math.abs(missing(account)), 0);
  const addsUp = difference === 0 && partitions.every(({ problem }) => problem === null);
  const moves = overdue.length === 0 && partitions.every(({ stalledSeconds }) => stalledSeconds === null);
  return { ok: addsUp && moves, addsUp, moves, difference, totals: sumOf(topics), topics, partitions, overdue };
};

const sumOf = (accounts: readonly Figures[]): Figures =>
  Object.fromEntries(
    figureNames.map((name) => [name, accounts.reduce((sum, account) => sum + account[name], 0)]),
  ) as Figures;

/** How many records of a partition are not accounted for; negative when more are counted than there are. */
export const missing = (account: Figures): number =>
  account.accepted - account.lag - account.skipped - dispositions.reduce((sum, name) => sum + account[name], 0);

const partitionAccount = (
  row: LedgerRow | undefined,
  log: LogEnd | undefined,
  waiting: number,
  clock: { readonly nowMs: number; readonly stalledAfterS: number },
): PartitionAccount => {
  const counts = row?.counts ?? (Object.fromEntries(dispositions.map((name) => [name, 0])) as LedgerRow['counts']);
  const next = row?.nextOffset ?? log?.startOffset ?? 0n;
  const first = row?.firstOffset ?? next;
  const end = log?.endOffset ?? next;
  const figures = { accepted: Number(end - first), ...counts, skipped: row?.skipped ?? 0, lag: Number(end - next) };
  const { topic, partition } = row ?? log ?? { topic: '', partition: 0 };
  return {
    group: row?.group ?? null,
    topic,
    partition,
    ...figures,
    problem: problemOf(row, log, figures, waiting),
    stalledSeconds: stalledSeconds(row, log, clock),
    lastError: row === undefined ? null : toldBy(row),
  };
};

/** What a consumer said last, unless the position has moved since. */
const toldBy = ({ lastError, lastErrorAt, movedAt }: LedgerRow): string | null =>
  lastErrorAt !== null && lastErrorAt >= movedAt ? lastError : null;

/**
 * A partition without a row has not been read by anybody: it stands
 * still since its records are there, which is at least the limit.
 */
const stalledSeconds = (
  row: LedgerRow | undefined,
  log: LogEnd | undefined,
  { nowMs, stalledAfterS }: { readonly nowMs: number; readonly stalledAfterS: number },
): number | null => {
  if (log?.agedOffset === undefined || log.agedOffset <= (row?.nextOffset ?? log.startOffset)) return null;
  if (row === undefined) return stalledAfterS;
  const seconds = Math.floor((nowMs - row.movedAt.getTime()) / 1000);
  return seconds < stalledAfterS ? null : seconds;
};

/**
 * How long records, or a key that is due, may wait before something
 * stands still: the sweeper and the lag look come by in half of it.
 */
export const STALLED_AFTER_S = 60;

const problemOf = (
  row: LedgerRow | undefined,
  log: LogEnd | undefined,
  figures: Figures,
  waiting: number,
): string | null => {
  if (log === undefined) return 'Kafka has no such partition';
  if (row !== undefined && log.clusterId !== undefined && log.clusterId !== row.clusterId)
    return (
      `the ledger is of the Kafka cluster ${row.clusterId}, this one is ${log.clusterId}: an operator has to ` +
      'decide (npx dakia ledger rebase)'
    );
  const difference = missing(figures);
  if (difference !== 0) return `${difference} events are not accounted for`;
  if (figures.lag < 0) return `the ledger stands ${-figures.lag} past the end of the log`;
  if (row !== undefined && row.nextOffset < log.startOffset)
    return `${log.startOffset - row.nextOffset} events are gone from Kafka before they were applied`;
  if (row !== undefined && row.pastEnd !== null)
    return (
      `the ledger stood at ${row.nextOffset} when the log ended at ${row.pastEnd}: an operator has to decide ` +
      '(npx dakia ledger rebase)'
    );
  return waiting === figures.parked
    ? null
    : `${figures.parked} events are counted as parked, ${waiting} wait in webhook_events`;
};

/** What Postgres says by itself. */
export interface Counted {
  readonly ledger: readonly LedgerRow[];
  readonly waiting: readonly Waiting[];
  readonly overdue: readonly OverdueKeys[];
}

/** Ledger and waiting rows in one snapshot, so that a running consumer does not blur them. */
export const readCounted = async (database: Database, stalledAfterS = STALLED_AFTER_S): Promise<Counted> =>
  database.transaction(async (tx) => {
    await tx.query(adHoc('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY'));
    return {
      ledger: await readLedger(tx),
      waiting: await tx.query<Waiting>(WAITING),
      overdue: await tx.query<OverdueKeys>(OVERDUE, [stalledAfterS]),
    };
  });

/**
 * The accounting of all partitions. Kafka is asked after Postgres, so that the log never seems to end before the
 * ledger.
 */
export const accounting = async (
  database: Database,
  readLogs: () => Promise<readonly LogEnd[]>,
  stalledAfterS = STALLED_AFTER_S,
): Promise<Account> => {
  const { ledger, waiting, overdue } = await readCounted(database, stalledAfterS);
  return accountOf(ledger, await readLogs(), waiting, overdue, { stalledAfterS });
};

/** What is known where Kafka does not answer: not what it took nor what waits in it, and so not whether it adds up. */
export interface LedgerAlone {
  readonly totals: LedgerFigures;
  /** Topics without their prefix, with what their consumers have decided. */
  readonly topics: readonly (LedgerFigures & { readonly topic: string })[];
  readonly overdue: readonly OverdueKeys[];
  /** Partitions whose consumers have said, since they last moved, why they do not go on. */
  readonly told: readonly { readonly topic: string; readonly partition: number; readonly lastError: string }[];
}
type LedgerFigures = Readonly<Record<Disposition | 'skipped', number>>;

export const ledgerAlone = ({ ledger, overdue }: Pick<Counted, 'ledger' | 'overdue'>): LedgerAlone => {
  const sum = (rows: readonly LedgerRow[]): LedgerFigures => ({
    ...(Object.fromEntries(
      dispositions.map((name) => [name, rows.reduce((total, { counts }) => total + counts[name], 0)]),
    ) as LedgerRow['counts']),
    skipped: rows.reduce((total, { skipped }) => total + skipped, 0),
  });
  return {
    totals: sum(ledger),
    topics: [...Map.groupBy(ledger, ({ topic }) => topic)].map(([topic, rows]) => ({ topic, ...sum(rows) })),
    overdue,
    told: ledger.flatMap((row) => {
      const lastError = toldBy(row);
      return lastError === null ? [] : [{ topic: row.topic, partition: row.partition, lastError }];
    }),
  };
};

const OVERDUE = adHoc(
  `SELECT consumer_group AS "group", count(*) AS keys, floor(date_part('epoch',
    clock_timestamp() - min(next_attempt_at))) AS seconds
     FROM parked_keys WHERE next_attempt_at < clock_timestamp() - $1::float8 * interval '1 second' GROUP BY 1
       ORDER BY 1`,
);

/** What is parked is of a family; what is in quarantine, of which there may be very much, is not read. */
const WAITING = adHoc(
  `SELECT kafka_topic AS topic, kafka_partition AS partition, count(*) AS events
     FROM webhook_events WHERE NOT processed AND verdict = 'parked' AND family IS NOT NULL GROUP BY 1, 2`,
);
