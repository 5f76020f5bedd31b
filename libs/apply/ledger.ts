import { statement } from '#platform/postgres';
import type { Transaction } from '#platform/postgres';
import { dispositions } from '#rules';
import type { Disposition } from '#rules';

/** Row of partition_ledger: which consumer group reads which partition. */
export interface LedgerKey {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
}
export type Counts = Readonly<Record<Disposition, number>>;

export const countDispositions = (of: readonly Disposition[]): Counts => {
  const counts = Object.fromEntries(dispositions.map((name) => [name, 0])) as Record<Disposition, number>;
  for (const disposition of of) counts[disposition] += 1;
  return counts;
};

const LOCK = statement(
  'ledger_lock',
  'SELECT next_offset FROM partition_ledger WHERE consumer_group = $1 AND topic = $2 AND partition = $3 FOR UPDATE',
);

/**
 * Takes the partition for this transaction and answers where it stands; undefined when it has no row. Two owners of one partition
 * are one after the other from here on.
 */
export const lockLedger = async (
  tx: Transaction,
  { group, topic, partition }: LedgerKey,
): Promise<bigint | undefined> => {
  const [row] = await tx.query<{ next_offset: number | bigint }>(LOCK, [group, topic, partition]);
  return row === undefined ? undefined : BigInt(row.next_offset);
};
