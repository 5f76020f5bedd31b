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
}

type Figures = Readonly<Record<Disposition | 'accepted' | 'lag', number>>;

export interface PartitionAccount extends Figures {
  readonly group: string | null;
  readonly topic: string;
  readonly partition: number;
  /** What does not add up, in words; null when all does. */
  readonly problem: string | null;
}

/** `ok` when every accepted event is accounted for. `difference` is how many are not. */
export interface Account {
  readonly ok: boolean;
  readonly difference: number;
  readonly totals: Figures;
  readonly partitions: readonly PartitionAccount[];
}

/** Events that wait in webhook_events for their key, per partition. */
export interface Waiting {
  readonly topic: string;
  readonly partition: number;
  readonly events: number;
}

const figureNames = ['accepted', ...dispositions, 'lag'] as const;
const place = ({ topic, partition }: { readonly topic: string; readonly partition: number }): string =>
  `${topic}/${partition}`;

/** Compares three sources that know nothing of each other: Kafka's own offsets, the ledger's counts, and the rows that wait. */
export const accountOf = (
  ledger: readonly LedgerRow[],
  logs: readonly LogEnd[],
  waiting: readonly Waiting[],
): Account => {
  const rows = new Map(ledger.map((row) => [place(row), row]));
  const events = new Map(waiting.map((entry) => [place(entry), entry.events]));
  const known = new Set(logs.map(place));
  const partitions = [
    ...logs.map((log) => partitionAccount(rows.get(place(log)), log, events.get(place(log)) ?? 0)),
    ...ledger
      .filter((row) => !known.has(place(row)))
      .map((row) => partitionAccount(row, undefined, events.get(place(row)) ?? 0)),
  ];
  const totals = Object.fromEntries(
    figureNames.map((name) => [name, partitions.reduce((sum, account) => sum + account[name], 0)]),
  ) as Figures;
  const difference = partitions.reduce((sum, account) => sum + Math.abs(missing(account)), 0);
  return {
    ok: difference === 0 && partitions.every(({ problem }) => problem === null),
    difference,
    totals,
    partitions,
  };
};

const missing = (account: Figures): number =>
  account.accepted - account.lag - dispositions.reduce((sum, name) => sum + account[name], 0);

const partitionAccount = (row: LedgerRow | undefined, log: LogEnd | undefined, waiting: number): PartitionAccount => {
  const counts = row?.counts ?? (Object.fromEntries(dispositions.map((name) => [name, 0])) as LedgerRow['counts']);
  const next = row?.nextOffset ?? log?.startOffset ?? 0n;
  const first = row?.firstOffset ?? next;
  const end = log?.endOffset ?? next;
  const figures = { accepted: Number(end - first), ...counts, lag: Number(end - next) };
  const { topic, partition } = row ?? log ?? { topic: '', partition: 0 };
  return { group: row?.group ?? null, topic, partition, ...figures, problem: problemOf(row, log, figures, waiting) };
};

const problemOf = (
  row: LedgerRow | undefined,
  log: LogEnd | undefined,
  figures: Figures,
  waiting: number,
): string | null => {
  if (log === undefined) return 'Kafka has no such partition';
  const difference = missing(figures);
  if (difference !== 0) return `${difference} events are not accounted for`;
  if (figures.lag < 0) return `the ledger stands ${-figures.lag} past the end of the log`;
  if (row !== undefined && row.nextOffset < log.startOffset)
    return `${log.startOffset - row.nextOffset} events are gone from Kafka before they were applied`;
  if (row !== undefined && row.pastEnd !== null)
    return `the ledger stood at ${row.nextOffset} when the log ended at ${row.pastEnd}: an operator has to decide (npx dakia ledger rebase)`;
  return waiting === figures.parked
    ? null
    : `${figures.parked} events are counted as parked, ${waiting} wait in webhook_events`;
};

/**
 * The accounting of all partitions. Ledger and waiting rows are read in one snapshot, so that a running consumer does not blur
 * them; Kafka is asked after that, so that the log never seems to end before the ledger.
 */
export const accounting = async (database: Database, readLogs: () => Promise<readonly LogEnd[]>): Promise<Account> => {
  const [ledger, waiting] = await database.transaction(async (tx) => {
    await tx.query(adHoc('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY'));
    return [await readLedger(tx), await tx.query<Waiting>(WAITING)] as const;
  });
  return accountOf(ledger, await readLogs(), waiting);
};

const WAITING = adHoc(
  `SELECT kafka_topic AS topic, kafka_partition AS partition, count(*) AS events
     FROM webhook_events WHERE NOT processed AND verdict = 'parked' GROUP BY 1, 2`,
);
