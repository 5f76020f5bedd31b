import type { Admin, Kafka } from 'kafkajs';
import type { PartitionLog } from './contracts.ts';

/** Where the log of one partition begins and ends. The topic carries no prefix. */
export interface LogOfPartition extends PartitionLog {
  readonly topic: string;
  readonly partition: number;
  /**
   * The first offset whose record is younger than the age that was
   * asked for, the log's end when none is; without an age left out.
   */
  readonly agedOffset?: bigint;
}

interface LogsRequest {
  /** Catalogue names. */
  readonly topics: readonly string[];
  readonly prefix: string;
  readonly agedMs?: number;
}

/** Asks Kafka once for the logs of `topics`. Throws when one of them does not exist. */
export const readLogs = async (kafka: Kafka, request: LogsRequest): Promise<readonly LogOfPartition[]> => {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await readAll(admin, request);
  } finally {
    await admin.disconnect();
  }
};

/** Asks again and again over one connection, which is made anew after a failure. */
export interface LogReader {
  readonly read: (request: LogsRequest) => Promise<readonly LogOfPartition[]>;
  /** Partition → the first offset whose record is younger than `agedMs`; the end of the log when none is. */
  readonly agedOffsets: (topic: string, prefix: string, agedMs: number) => Promise<ReadonlyMap<number, bigint>>;
  readonly close: () => Promise<void>;
}

export const createLogReader = (kafka: Kafka): LogReader => {
  let open: Admin | undefined;
  const close = async (): Promise<void> => {
    const closing = open;
    open = undefined;
    await closing?.disconnect().catch(() => undefined);
  };
  const using = async <Answer>(work: (admin: Admin) => Promise<Answer>): Promise<Answer> => {
    try {
      if (open === undefined) {
        open = kafka.admin();
        await open.connect();
      }
      return await work(open);
    } catch (error) {
      await close();
      throw error;
    }
  };
  return {
    read: (request) => using((admin) => readAll(admin, request)),
    agedOffsets: (topic, prefix, agedMs) => using((admin) => agedOffsetsOf(admin, topic, prefix, agedMs)),
    close,
  };
};

const readAll = async (admin: Admin, { topics, prefix, agedMs }: LogsRequest): Promise<readonly LogOfPartition[]> => {
  // Only what exists is asked for: metadata of an unknown topic is retried for seconds.
  const existing = new Set(await admin.listTopics());
  const absent = topics.filter((topic) => !existing.has(`${prefix}${topic}`));
  if (absent.length > 0)
    throw new Error(
      `Kafka has no topic ${absent.map((topic) => `${prefix}${topic}`).join(', ')}; create it with ` +
        'npx dakia topics apply',
    );
  const { clusterId } = await admin.describeCluster();
  const logs = await Promise.all(
    topics.map(async (topic) => {
      const found = await logsOf(admin, topic, prefix, clusterId);
      if (agedMs === undefined) return found;
      const offsets = await agedOffsetsOf(admin, topic, prefix, agedMs);
      return found.map((log) => ({ ...log, agedOffset: offsets.get(log.partition) ?? log.startOffset }));
    }),
  );
  return logs.flat();
};

const agedOffsetsOf = async (
  admin: Admin,
  topic: string,
  prefix: string,
  agedMs: number,
): Promise<ReadonlyMap<number, bigint>> => {
  const aged = await admin.fetchTopicOffsetsByTimestamp(`${prefix}${topic}`, Date.now() - agedMs);
  return new Map(aged.map(({ partition, offset }) => [partition, BigInt(offset)]));
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
