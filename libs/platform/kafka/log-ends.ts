import type { Admin, Kafka } from 'kafkajs';
import type { PartitionLog } from './contracts.ts';

/** Where the log of one partition begins and ends. The topic carries no prefix. */
export interface LogOfPartition extends PartitionLog {
  readonly topic: string;
  readonly partition: number;
  /** The first offset whose record is younger than the age that was asked for, the log's end when none is; without an age left out. */
  readonly agedOffset?: bigint;
}

/** Asks Kafka once for the logs of `topics` (catalogue names). Throws when one of them does not exist. */
export const readLogs = async (
  kafka: Kafka,
  { topics, prefix, agedMs }: { readonly topics: readonly string[]; readonly prefix: string; readonly agedMs?: number },
): Promise<readonly LogOfPartition[]> => {
  const admin = kafka.admin();
  await admin.connect();
  try {
    // Only what exists is asked for: metadata of an unknown topic is retried for seconds.
    const existing = new Set(await admin.listTopics());
    const absent = topics.filter((topic) => !existing.has(`${prefix}${topic}`));
    if (absent.length > 0)
      throw new Error(
        `Kafka has no topic ${absent.map((topic) => `${prefix}${topic}`).join(', ')}; create it with npx dakia topics apply`,
      );
    const { clusterId } = await admin.describeCluster();
    const logs = await Promise.all(
      topics.map(async (topic) => {
        const found = await logsOf(admin, topic, prefix, clusterId);
        if (agedMs === undefined) return found;
        const aged = await admin.fetchTopicOffsetsByTimestamp(`${prefix}${topic}`, Date.now() - agedMs);
        const offsets = new Map(aged.map(({ partition, offset }) => [partition, BigInt(offset)]));
        return found.map((log) => ({ ...log, agedOffset: offsets.get(log.partition) ?? log.startOffset }));
      }),
    );
    return logs.flat();
  } finally {
    await admin.disconnect();
  }
};

/** The logs of one topic, in order of their partitions. */
export const logsOf = async (
  admin: Admin,
  topic: string,
  prefix: string,
  clusterId: string,
): Promise<readonly LogOfPartition[]> => {
  const offsets = await admin.fetchTopicOffsets(`${prefix}${topic}`);
  return offsets
    .map(({ partition, low, high }) => ({
      topic,
      partition,
      clusterId,
      startOffset: BigInt(low),
      endOffset: BigInt(high),
    }))
    .sort((a, b) => a.partition - b.partition);
};
