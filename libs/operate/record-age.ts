import type { LogReader } from '#kafka';

/**
 * Ages in s that Kafka is asked for, youngest first. The age of what
 * waits is told as the last of them that it has passed.
 */
const AGES_S = [
  1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 259_200, 604_800,
] as const;

/** A partition with lag. */
export interface WaitingAt {
  readonly topic: string;
  readonly partition: number;
  /** Offset of the oldest record that waits. */
  readonly nextOffset: bigint;
}

export interface RecordAges {
  /**
   * Ages in s of the oldest waiting record of each partition, by
   * `topic/partition`: at least so old. Forgets those that do not wait.
   */
  readonly of: (waiting: readonly WaitingAt[], prefix: string) => Promise<ReadonlyMap<string, number>>;
}

/**
 * Kafka tells which record is the first after a moment, but not of which moment a record is. So it is asked for one age
 * after the other until nothing that waits is older; and what was found about a record at an earlier look stays true.
 * Where lag begins while this looks on, the age is exact to the pause between two looks.
 */
export const createRecordAges = (
  reader: Pick<LogReader, 'agedOffsets'>,
  nowMs: () => number = Date.now,
): RecordAges => {
  let known = new Map<string, { readonly nextOffset: bigint; readonly before: number }>();

  /** The latest moment before which the records of these partitions of one topic were appended. */
  const appendedBefore = async (topic: string, waiting: readonly WaitingAt[], prefix: string) => {
    const found = new Map<string, number>();
    let older = waiting;
    for (const age of AGES_S) {
      const at = nowMs();
      const offsets = await reader.agedOffsets(topic, prefix, age * 1000);
      older = older.filter(({ partition, nextOffset }) => (offsets.get(partition) ?? nextOffset) > nextOffset);
      if (older.length === 0) break;
      for (const one of older) found.set(nameOf(one), at - age * 1000);
    }
    return found;
  };

  return {
    of: async (waiting, prefix) => {
      const found = new Map<string, number>();
      for (const [topic, ofTopic] of Map.groupBy(waiting, ({ topic }) => topic))
        for (const [name, before] of await appendedBefore(topic, ofTopic, prefix)) found.set(name, before);
      const at = nowMs();
      const entries = waiting.map(({ nextOffset, ...place }) => {
        const name = nameOf(place);
        const earlier = known.get(name);
        const before = Math.min(
          found.get(name) ?? at,
          earlier !== undefined && earlier.nextOffset === nextOffset ? earlier.before : at,
        );
        return [name, { nextOffset, before }] as const;
      });
      known = new Map(entries);
      return new Map(entries.map(([name, { before }]) => [name, (at - before) / 1000]));
    },
  };
};

const nameOf = ({ topic, partition }: Omit<WaitingAt, 'nextOffset'>): string => `${topic}/${partition}`;
