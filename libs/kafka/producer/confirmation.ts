import type { ICustomPartitioner, RecordMetadata } from 'kafkajs';
import type { TopicBatch } from './batcher.ts';
import { FastRecord } from './fast-produce.ts';
import { partitionOfKey } from './murmur2.ts';

/**
 * Where Java would put a record with this key, as kafkajs' default does (B15). Each record remembers where it went, and
 * goes there in every further attempt, also when partitions were added in between:
 * else what was never sent could have the number of a partition that was confirmed.
 */
export const rememberingPartitioner: ICustomPartitioner =
  () =>
  ({ message, partitionMetadata }) => {
    if (!(message instanceof FastRecord)) throw new Error('a record for Kafka is made with fastRecord');
    return (message.partition ??= partitionOfKey(message.key, partitionMetadata.length));
  };

/**
 * What of a batch no broker has confirmed, although kafkajs calls it sent. In a retry kafkajs
 * 2.2.4 passes over every broker that has answered before: when partitions of a failed broker are
 * led by such a one by then, their records are never sent, and the promise resolves all the same
 * (producer/sendMessages.js `brokersWithoutResponse`). With three brokers and one frozen, our own
 * fault test lost acknowledged records by it; so only a partition in the response counts.
 */
export const unconfirmed = (
  batch: readonly TopicBatch[],
  response: readonly RecordMetadata[],
): readonly TopicBatch[] => {
  const confirmed = new Set(
    response.filter(({ errorCode }) => errorCode === 0).map(({ topicName, partition }) => `${topicName} ${partition}`),
  );
  return batch
    .map(({ topic, messages }) => ({
      topic,
      messages: messages.filter(({ partition }) => !confirmed.has(`${topic} ${partition ?? ''}`)),
    }))
    .filter(({ messages }) => messages.length > 0);
};
