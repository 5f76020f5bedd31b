import { randomBytes } from 'node:crypto';
import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import type { ReceivedHeaders } from '#envelope';
import { startWatchdog } from '#platform/time';
import { CLIENT_RETRY, HEARTBEAT_MS, MEMBER_SETTINGS } from './consumer/tuning.ts';
import { readLogs } from './log-ends.ts';

/** A record exactly as it lies in Kafka, with its place. The topic carries no prefix. */
export interface StoredRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: ReceivedHeaders;
}

export interface TopicReading {
  /** Catalogue names. */
  readonly topics: readonly string[];
  readonly prefix: string;
  /** Takes consecutive records of one partition; the next come once it has settled. What it throws ends the reading. */
  readonly onBatch: (records: readonly StoredRecord[]) => Promise<void>;
  /** Told after every batch how many offsets of how many are behind. */
  readonly onProgress?: (read: number, total: number) => void;
  /** Rejects when Kafka has sent nothing for this long, in ms. */
  readonly stallMs?: number;
}

const STALL_MS = 30_000;
const GROUP_ID_BYTES = 6;

interface Progress {
  readonly end: bigint;
  next: bigint;
}

/**
 * Hands over every record that the topics hold when it is called, each partition in order, and
 * answers how many offsets that were. What is written meanwhile is not read. kafkajs reads as member
 * of a group only, so a group of a random name exists meanwhile; nothing is committed to it and it
 * is deleted at the end. Throws when a topic is missing, or Kafka cannot be reached or falls silent.
 */
// oxlint-disable-next-line max-lines-per-function -- closures over one reading and its positions
export const readTopics = async (
  kafka: Kafka,
  { topics, prefix, onBatch, onProgress, stallMs = STALL_MS }: TopicReading,
): Promise<number> => {
  const logs = (await readLogs(kafka, { topics, prefix })).filter(
    ({ startOffset, endOffset }) => startOffset < endOffset,
  );
  const total = logs.reduce((sum, { startOffset, endOffset }) => sum + Number(endOffset - startOffset), 0);
  if (total === 0) return 0;

  const progress = new Map(
    logs.map(({ topic, partition, startOffset, endOffset }): [string, Progress] => [
      nameOf(`${prefix}${topic}`, partition),
      { next: startOffset, end: endOffset },
    ]),
  );
  const finished = Promise.withResolvers<undefined>();
  const groupId = `${prefix}dakia-reader-${randomBytes(GROUP_ID_BYTES).toString('hex')}`;
  const consumer = openConsumer(kafka, groupId);
  const watchdog = startWatchdog(stallMs, () => {
    const names = topics.map((topic) => `${prefix}${topic}`).join(', ');
    finished.reject(new Error(`Kafka has sent nothing of ${names} for ${stallMs} ms; try again once it answers`));
  });

  /** Kafka keeps no position for this group: whenever it forms, it begins where this reading stands. */
  const takePosition = (topic: string, partition: number): void => {
    const position = progress.get(nameOf(topic, partition));
    if (position === undefined || position.next >= position.end) consumer.pause([{ topic, partitions: [partition] }]);
    else consumer.seek({ topic, partition, offset: String(position.next) });
  };

  const passOn = async (payload: EachBatchPayload): Promise<void> => {
    const { batch } = payload;
    const position = progress.get(nameOf(batch.topic, batch.partition));
    if (position === undefined || position.next >= position.end) return;
    const records = batch.messages
      .map(
        ({ key, value, headers = {}, offset }): StoredRecord => ({
          topic: batch.topic.slice(prefix.length),
          partition: batch.partition,
          offset: BigInt(offset),
          key,
          value,
          headers,
        }),
      )
      .filter(({ offset }) => offset >= position.next && offset < position.end);
    if (records.length > 0) await onBatch(records);
    payload.resolveOffset(batch.lastOffset());
    const behind = BigInt(batch.lastOffset()) + 1n;
    position.next = behind < position.end ? behind : position.end;
    if (position.next === position.end) payload.pause();
    const left = [...progress.values()].reduce((sum, { next, end }) => sum + Number(end - next), 0);
    onProgress?.(total - left, total);
    if (left === 0) finished.resolve(undefined);
  };

  /** Never rejects: kafkajs would hand the same batch over again. */
  const eachBatch = async (payload: EachBatchPayload): Promise<void> => {
    const beat = (): void => {
      watchdog.alive();
      payload.heartbeat().catch(() => undefined);
    };
    const heartbeat = setInterval(beat, HEARTBEAT_MS);
    await passOn(payload).catch(finished.reject);
    clearInterval(heartbeat);
    watchdog.alive();
  };

  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    for (const [topic, partitions] of Object.entries(payload.memberAssignment))
      for (const partition of partitions) takePosition(topic, partition);
  });
  consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
    if (!restart) finished.reject(new Error(`reading from Kafka failed: ${error.message}`, { cause: error }));
  });

  try {
    await consumer.connect();
    await consumer.subscribe({
      topics: [...new Set(logs.map(({ topic }) => `${prefix}${topic}`))],
      fromBeginning: true,
    });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: 1,
      eachBatch,
    });
    await finished.promise;
    return total;
  } finally {
    watchdog.stop();
    await consumer.disconnect();
    await deleteGroup(kafka, groupId);
  }
};

const nameOf = (topic: string, partition: number): string => `${topic}/${partition}`;

/**
 * A broker that has just become the group's coordinator refuses for a
 * moment; so often the reading begins again, from where it stands.
 */
const RESTARTS_MAX = 5;

const openConsumer = (kafka: Kafka, groupId: string): Consumer => {
  let restarts = 0;
  return kafka.consumer({
    groupId,
    ...MEMBER_SETTINGS,
    retry: { ...CLIENT_RETRY, restartOnFailure: async () => ++restarts <= RESTARTS_MAX },
  });
};

/** A group that cannot be deleted is empty and has no offsets: Kafka forgets it by itself within minutes. */
const deleteGroup = async (kafka: Kafka, groupId: string): Promise<void> => {
  const admin = kafka.admin();
  try {
    await admin.connect();
    await admin.deleteGroups([groupId]);
  } catch {
    // As said above.
  } finally {
    await admin.disconnect();
  }
};
