import { randomBytes } from 'node:crypto';
import kafkajs from 'kafkajs';
import type { Admin, Kafka, Message, Producer } from 'kafkajs';
import { kafkaSettings, readConfig } from '#platform/config';
import { createKafka } from '#kafka';
import type { KafkaConfig } from '#kafka';
import { createLogger } from '#platform/log';
import { eventually } from './eventually.ts';

/**
 * A namespace of the test cluster that nobody else uses: names begin
 * with `prefix`, and `close` deletes the topics in it.
 */
export interface TestKafka {
  readonly config: KafkaConfig;
  readonly prefix: string;
  readonly kafka: Kafka;
  readonly admin: Admin;
  /** Names here are without the prefix. */
  readonly createTopic: (topic: string, partitions: number) => Promise<void>;
  readonly send: (topic: string, partition: number, messages: readonly Message[]) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Creates a namespace on the cluster of KAFKA_BROKERS, or on the one that `environment` names. */
export const openTestKafka = async (
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<TestKafka> => {
  const prefix = `test-${randomBytes(5).toString('hex')}.`;
  const read = readConfig(kafkaSettings, { ...environment, DAKIA_TOPIC_PREFIX: prefix });
  if (!read.ok) throw new Error(read.issues.join('; '));
  const { kafka } = createKafka(read.value, createLogger('test', 'fatal'), {
    clientId: 'test',
    requestTimeoutMs: 5_000,
    retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 500 },
  });
  const admin = kafka.admin();
  const producer: Producer = kafka.producer({
    allowAutoTopicCreation: false,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  await Promise.all([admin.connect(), producer.connect()]);
  return {
    config: read.value,
    prefix,
    kafka,
    admin,
    createTopic: async (topic, partitions) => {
      const name = `${prefix}${topic}`;
      // kafkajs' own wait for leaders gives up when a busy broker does not know the new topic yet.
      await admin.createTopics({
        waitForLeaders: false,
        topics: [{ topic: name, numPartitions: partitions, replicationFactor: 1 }],
      });
      await eventually(`${name} has leaders`, async () => {
        const [created] = (await admin.fetchTopicMetadata({ topics: [name] })).topics;
        return created?.partitions.length === partitions && created.partitions.every(({ leader }) => leader >= 0);
      });
    },
    send: async (topic, partition, messages) => {
      await producer.send({
        topic: `${prefix}${topic}`,
        acks: -1,
        messages: messages.map((message) => ({ ...message, partition })),
      });
    },
    close: async () => {
      const ours = (await admin.listTopics()).filter((name) => name.startsWith(prefix));
      if (ours.length > 0) await admin.deleteTopics({ topics: ours });
      await Promise.all([admin.disconnect(), producer.disconnect()]);
    },
  };
};
