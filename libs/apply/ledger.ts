import { statement } from '#platform/postgres';
import type { Transaction } from '#platform/postgres';
import { dispositions } from '#rules';
import type { Disposition } from '#rules';

/** A partition of a topic. The topic carries no prefix. */
export interface Place {
  readonly topic: string;
  readonly partition: number;
}

export const placeName = ({ topic, partition }: Place): string => `${topic}/${partition}`;

/** Row of partition_ledger: which consumer group reads which partition. */
export interface LedgerKey extends Place {
  readonly group: string;
}
export type Counts = Readonly<Record<Disposition, number>>;

/**
 * What a transaction does about a row that another one holds. `wait`: it waits, for at most the lock time-out. `skip`:
 * it goes on without the row, so that nobody else's transaction can hold up what it does for many partitions.
 */
export type Locking = 'wait' | 'skip';

/**
 * Which record a row of webhook_events (or of event_conflicts) is of, as 64 bits. The ledger keeps their sum in
 * rows_digest: two sets of rows that have the same number and the same sum are the same. Postgres keeps this function
 * as it is across its versions, because partitions by hash rest on it.
 */
export const ROW_IDENTITY = 'hashtextextended(razorpay_event_id, kafka_offset)';

export const countDispositions = (of: readonly Disposition[]): Counts => {
  const counts = Object.fromEntries(dispositions.map((name) => [name, 0])) as Record<Disposition, number>;
  for (const disposition of of) counts[disposition] += 1;
  return counts;
};

const LOCK = `SELECT topic, partition, next_offset FROM partition_ledger
    WHERE consumer_group = $1 AND (topic, partition) IN (SELECT * FROM unnest($2::text[], $3::int[]))
    ORDER BY topic, partition FOR UPDATE`;
const LOCKS = {
  wait: statement('ledger_lock', LOCK),
  skip: statement('ledger_lock_free', `${LOCK} SKIP LOCKED`),
} as const;

/**
 * Takes partitions for this transaction, in the one order that everybody takes them in, and
 * answers where each stands, by `placeName`. Two owners of one partition are one after the other
 * from here on. A partition without a row is left out, and with `skip` one whose row is held.
 */
export const lockLedgers = async (
  tx: Transaction,
  group: string,
  places: readonly Place[],
  locking: Locking,
): Promise<ReadonlyMap<string, bigint>> => {
  const rows = await tx.query<Place & { readonly next_offset: number | bigint }>(LOCKS[locking], [
    group,
    places.map(({ topic }) => topic),
    places.map(({ partition }) => partition),
  ]);
  return new Map(rows.map((row) => [placeName(row), BigInt(row.next_offset)]));
};
