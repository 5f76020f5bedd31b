import promClient from 'prom-client';
import { deadLetterTopicOf, familiesOf } from '#catalogue';
import type { ServiceName } from '#catalogue';
import { instant } from '#kernel';
import type { ConfigOf, registrySettings } from '#runtime/config';
import { registeredSchemaId, UNKNOWN_SCHEMA_ID } from '#runtime/envelope';
import { createProducer } from '#runtime/kafka';
import type { KafkaConfig, KafkaProducer } from '#runtime/kafka';
import type { Logger } from '#runtime/log';
import { now } from '#runtime/service';
import type { Component } from '#runtime/service';
import { markPublished, unpublishedDeadLetters } from '#store';
import type { Database } from '#store';
import { deadLetterRecord } from './dead-letter-record.ts';

/** Dead letters of one transaction, which holds their rows until Kafka has confirmed them; each has a body of up to 1 MiB. */
const LETTERS_AT_ONCE = 20;
/** Longest time in ms for a clean goodbye to Kafka. */
const DISCONNECT_MS = 2_000;

export interface DeadLetterPublisherOptions {
  readonly service: ServiceName;
  readonly config: KafkaConfig & ConfigOf<typeof registrySettings>;
  readonly database: Database;
  readonly log: Logger;
}

export interface DeadLetterPublisher extends Component {
  /** There may be something to publish. Returns at once; what cannot be published now waits for the next ring. */
  readonly ring: () => void;
}

/**
 * Copies dead letters to Kafka, acknowledged by all in-sync replicas, and notes that in their rows: at least once, because a crash
 * in between publishes them again. Dead letters are rare, so a connection to Kafka is there only while there are some.
 */
export const createDeadLetterPublisher = ({ service, config, database, log }: DeadLetterPublisherOptions): DeadLetterPublisher => {
  const topics = familiesOf(service).map(deadLetterTopicOf);
  let running: Promise<void> | undefined;
  let rung = false;
  let stopping = false;

  /** Whether there may be more. */
  const publishSome = async (producer: KafkaProducer, schemaId: number): Promise<boolean> =>
    database.transaction(async (tx) => {
      const letters = await unpublishedDeadLetters(tx, service, LETTERS_AT_ONCE);
      const outcomes = await Promise.all(letters.map(async (letter) => producer.publish(deadLetterTopicOf(letter.family), deadLetterRecord(letter, schemaId))));
      const durable = letters.filter((_, index) => outcomes[index] === 'durable');
      await markPublished(tx, durable);
      if (durable.length > 0) log.info({ letters: durable.length }, 'dead letters were copied to Kafka');
      if (durable.length < letters.length) log.warn({ letters: letters.length - durable.length }, 'Kafka did not confirm dead letters; they are copied later, some perhaps twice');
      return letters.length === LETTERS_AT_ONCE && durable.length === letters.length;
    });

  const publishAll = async (): Promise<void> => {
    if ((await unpublishedDeadLetters(database, service, 1)).length === 0) return;
    const schemaId = await schemaIdOf(config, topics);
    // Its metrics would stand beside those of ingest; what matters of dead letters is in Postgres.
    const producer = createProducer({ config, log, metrics: new promClient.Registry(), clientId: `dakia-${service}-dead-letters`, topics });
    await producer.start();
    try {
      while (!stopping && (await publishSome(producer, schemaId)));
    } finally {
      await producer.stop(instant(now() + DISCONNECT_MS));
    }
  };

  const run = async (): Promise<void> => {
    while (rung && !stopping) {
      rung = false;
      await publishAll().catch((error: unknown) => log.warn({ err: error }, 'dead letters could not be copied to Kafka; they are copied later'));
    }
    running = undefined;
  };

  return {
    name: 'dead-letter publisher',
    start: async () => undefined,
    ring: () => {
      rung = true;
      running ??= run();
    },
    stop: async () => {
      stopping = true;
      await running;
    },
  };
};

/** Readers of other makes find the schema by its id; ours need none. All topics have the same schema, and so the same id. */
const schemaIdOf = async ({ schemaRegistryUrl, topicPrefix }: DeadLetterPublisherOptions['config'], [topic]: readonly string[]): Promise<number> => {
  if (schemaRegistryUrl === undefined || topic === undefined) return UNKNOWN_SCHEMA_ID;
  try {
    return (await registeredSchemaId(schemaRegistryUrl, `${topicPrefix}${topic}`)) ?? UNKNOWN_SCHEMA_ID;
  } catch {
    return UNKNOWN_SCHEMA_ID;
  }
};
