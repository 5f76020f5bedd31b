import { readLedger } from '#apply';
import { dispositions } from '#rules';
import type { TestStore } from './test-store.ts';

/** What a partition's row of the ledger counted, without what is 0, and how many offsets it passed. */
export const ledgerCounts = async (
  store: TestStore,
  topic: string,
  partition: number,
): Promise<Readonly<Record<string, number>>> => {
  const row = (await readLedger(store.database)).find(
    (entry) => entry.topic === topic && entry.partition === partition,
  );
  if (row === undefined) throw new Error('no ledger row');
  const nonZero = Object.fromEntries(
    dispositions.map((name) => [name, row.counts[name]] as const).filter(([, count]) => count > 0),
  );
  return { ...nonZero, passed: Number(row.nextOffset - row.firstOffset) };
};
