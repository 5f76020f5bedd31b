import { deadLetterTopicOf, familiesOf } from '#catalogue';
import type { ServiceName } from '#catalogue';
import { registeredSchemaId, UNKNOWN_SCHEMA_ID } from '#envelope';
import type { ConfigOf, registrySettings } from '#platform/config';
import { createProducer } from '#kafka';
import type { KafkaConfig, KafkaProducer } from '#kafka';
import type { Logger } from '#platform/log';
import type { Registry } from '#platform/metrics';
import type { Database } from '#platform/postgres';
import { now } from '#platform/time';
import { createPeriodic } from '#platform/time';
import type { Periodic } from '#platform/time';
import { instant } from '#rules';
import { deadLetterRecord } from './dead-letter-record.ts';
import { markPublished, unpublishedDeadLetters } from './dead-letters.ts';

/**
 * Dead letters of one transaction, which holds their rows until Kafka
 * has confirmed them; each has a body of up to 1 MiB.
 */
const LETTERS_AT_ONCE = 20;
/** Longest time in ms for a clean goodbye to Kafka. */
const DISCONNECT_MS = 2_000;

export interface DeadLetterPublisherOptions {
  readonly service: ServiceName;
  readonly config: KafkaConfig & ConfigOf<typeof registrySettings>;
  readonly database: Database;
  readonly log: Logger;
  readonly metrics: Registry;
  /** Between two looks for what an earlier one could not publish, in ms. */
  readonly everyMs: number;
}

/**
 * Copies dead letters to Kafka, acknowledged by all in-sync replicas, and notes that
 * in their rows: at least once, because a crash in between publishes them again. Dead
 * letters are rare, so a connection to Kafka is there only while there are some.
 */
export const createDeadLetterPublisher = ({
  service,
  config,
  database,
  log,
  metrics,
  everyMs,
}: DeadLetterPublisherOptions): Periodic => {
  const topics = familiesOf(service).map(deadLetterTopicOf);

  const publishSome = async (
    producer: KafkaProducer,
    schemaId: number,
  ): Promise<{ readonly found: number; readonly durable: number }> =>
    database.transaction(async (tx) => {
      const letters = await unpublishedDeadLetters(tx, service, LETTERS_AT_ONCE);
      const outcomes = await Promise.all(
        letters.map(async (letter) =>
          producer.publish(deadLetterTopicOf(letter.family), deadLetterRecord(letter, schemaId)),
        ),
      );
      const durable = letters.filter((_, index) => outcomes[index] === 'durable');
      await markPublished(tx, durable);
      return { found: letters.length, durable: durable.length };
    });

  const publishAll = async (producer: KafkaProducer, schemaId: number, signal: AbortSignal): Promise<void> => {
    for (let more = true; more && !signal.aborted; ) {
      const { found, durable } = await publishSome(producer, schemaId);
      if (durable > 0) log.info({ letters: durable }, 'dead letters were copied to Kafka');
      if (durable < found)
        throw new Error(
          `Kafka did not confirm ${found - durable} of ${found} dead letters; they are copied ` +
            'later, some perhaps twice',
        );
      more = found === LETTERS_AT_ONCE;
    }
  };

  return createPeriodic({
    name: 'dead-letter publisher',
    everyMs,
    log,
    work: async (signal) => {
      if ((await unpublishedDeadLetters(database, service, 1)).length === 0) return;
      const schemaId = await schemaIdOf(config, topics);
      const producer = createProducer({ config, log, metrics, clientId: `dakia-${service}-dead-letters`, topics });
      await producer.start();
      try {
        await publishAll(producer, schemaId, signal);
      } finally {
        await producer.stop(instant(now() + DISCONNECT_MS));
      }
    },
  });
};

/**
 * Readers of other makes find the schema by its id; ours need none.
 * All topics have the same schema, and so the same id.
 */
const schemaIdOf = async (
  { schemaRegistryUrl, topicPrefix }: DeadLetterPublisherOptions['config'],
  [topic]: readonly string[],
): Promise<number> => {
  if (schemaRegistryUrl === undefined || topic === undefined) return UNKNOWN_SCHEMA_ID;
  try {
    return (await registeredSchemaId(schemaRegistryUrl, `${topicPrefix}${topic}`)) ?? UNKNOWN_SCHEMA_ID;
  } catch {
    return UNKNOWN_SCHEMA_ID;
  }
};
