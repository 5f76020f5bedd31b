import type { PartitionBatch, PartitionLog, Position, PositionSource, RecordMark } from '#kafka';

/**
 * A ledger in memory with the rule of the real one: a batch must begin
 * where its partition stands. `judge` answers for a position instead of it.
 */
export const createMemoryLedger = () => {
  const stands = new Map<string, bigint>();
  const applied: { topic: string; partition: number; offset: bigint; id: string; by: string }[] = [];
  let verdict: (topic: string, partition: number, log: PartitionLog) => Position | undefined = () => undefined;
  const troubles: string[] = [];
  const marks = new Map<string, { readonly before: RecordMark }>();
  const key = (topic: string, partition: number): string => `${topic}/${partition}`;
  const positions: PositionSource = {
    positionOf: async (topic, partition, log) => {
      const name = key(topic, partition);
      const offset = stands.get(name) ?? 0n;
      stands.set(name, offset);
      return verdict(topic, partition, log) ?? { kind: 'at', offset, ...marks.get(name) };
    },
    standings: async () => new Map(stands),
    note: async (topic, partition, trouble) => void troubles.push(`${key(topic, partition)} ${trouble}`),
  };
  const commit = (batch: PartitionBatch, by: string): 'applied' | 'moved' => {
    if ((stands.get(key(batch.topic, batch.partition)) ?? 0n) !== batch.firstOffset) return 'moved';
    stands.set(key(batch.topic, batch.partition), batch.nextOffset);
    const before = batch.records.at(-1)?.mark;
    if (before !== undefined) marks.set(key(batch.topic, batch.partition), { before });
    for (const { offset, envelope } of batch.records)
      applied.push({
        topic: batch.topic,
        partition: batch.partition,
        offset,
        id: envelope.ok ? envelope.value.eventId : 'undecodable',
        by,
      });
    return 'applied';
  };
  return {
    positions,
    applied,
    /** What consumers said of partitions that do not go on. */
    troubles,
    commit,
    at: (topic: string, partition = 0) => stands.get(key(topic, partition)) ?? 0n,
    /** As an operator or a restore does it: the record before is not known. */
    stand: (topic: string, offset: bigint, partition = 0) => {
      stands.set(key(topic, partition), offset);
      marks.delete(key(topic, partition));
    },
    judge: (rule: typeof verdict) => void (verdict = rule),
    ids: () => applied.map(({ id }) => id),
  };
};
export type MemoryLedger = ReturnType<typeof createMemoryLedger>;
