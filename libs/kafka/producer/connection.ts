import kafkajs from 'kafkajs';
import type { Producer } from 'kafkajs';
import { codeOf } from '#platform/log';
import type { Logger } from '#platform/log';
import { inTime, pause, TimedOut } from '#platform/time';
import { createKafka } from '../client.ts';
import type { KafkaClient, KafkaConfig } from '../client.ts';
import type { TopicBatch } from './batcher.ts';
import { rememberingPartitioner, unconfirmed } from './confirmation.ts';
import { failureKindOf } from './failure.ts';

/**
 * Settings that bring an answer within the deadline when a leader is killed or frozen (docs/reference/clients.md).
 * Never idempotent: kafkajs then loses acknowledged messages (B3); duplicates are dropped by the consumers instead.
 */
const REQUEST_TIMEOUT_MS = 1_500;
const BROKER_TIMEOUT_MS = 3_000;
const RETRY = { retries: 8, initialRetryTime: 100, maxRetryTime: 300 } as const;
const REQUESTS_IN_FLIGHT_MAX = 5;

/** Longest attempt to connect, in ms; after it, or a failure, the next attempt starts with a new client. */
const CONNECT_ATTEMPT_MS = 5_000;
const CONNECT_PAUSE_MS = 1_000;
/** A send that has not settled after this time, in ms, never will: the client is replaced. */
const STUCK_SEND_MS = 10_000;
/** Sends of one batch, the first included, until all its partitions are confirmed; leaders have moved that often. */
const CONFIRM_ROUNDS_MAX = 4;
/** While a topic is missing, Kafka is asked for it this often, in ms. */
const TOPIC_CHECK_MS = 5_000;

interface Session extends KafkaClient {
  readonly producer: Producer;
  isConnected: boolean;
}

export interface ConnectionOptions {
  readonly config: KafkaConfig;
  readonly log: Logger;
  readonly clientId: string;
  /** Full names, with the deployment's prefix. */
  readonly topics: readonly string[];
  readonly onFailure: (error: unknown) => void;
  readonly onReplaced: () => void;
}

/** The connection of one producer to Kafka: comes back by itself, whatever happened to it. */
export interface Connection {
  /** Returns when connected, or after the first attempt; goes on trying in the background. */
  readonly start: () => Promise<void>;
  /** Settles when kafkajs knows the outcome. A rejection means that the batch may be stored or not. */
  readonly send: (batch: readonly TopicBatch[]) => Promise<void>;
  /** Topics that do not exist: a batch that names one would fail as a whole. */
  readonly missing: () => ReadonlySet<string>;
  /** Whether it has been connected at least once. */
  readonly hasConnected: () => boolean;
  readonly stop: (withinMs: number) => Promise<void>;
}

// oxlint-disable-next-line max-lines-per-function -- closures over one session that is replaced
export const createConnection = ({
  config,
  log,
  clientId,
  topics,
  onFailure,
  onReplaced,
}: ConnectionOptions): Connection => {
  const stopping = new AbortController();
  const isStopping = (): boolean => stopping.signal.aborted;
  let missing: ReadonlySet<string> = new Set();
  let checking: Promise<void> | undefined;
  let hasConnected = false;

  const open = (): Session => {
    const client = createKafka(config, log, { clientId, requestTimeoutMs: REQUEST_TIMEOUT_MS, retry: RETRY });
    const producer = client.kafka.producer({
      createPartitioner: rememberingPartitioner,
      allowAutoTopicCreation: false,
      idempotent: false,
      maxInFlightRequests: REQUESTS_IN_FLIGHT_MAX,
      retry: RETRY,
    });
    producer.on(producer.events.REQUEST_TIMEOUT, ({ payload }) => client.sockets.kill(payload.broker));
    return { ...client, producer, isConnected: false };
  };
  let session = open();

  const discard = (old: Session): void => {
    old.isConnected = false;
    old.sockets.killAll();
    old.producer.disconnect().catch(() => undefined);
  };

  /** Tries until it is connected or told to stop. */
  const connect = async (): Promise<void> => {
    while (!isStopping()) {
      const attempt = session;
      try {
        await inTime(CONNECT_ATTEMPT_MS, attempt.producer.connect(), 'no connection to Kafka');
        attempt.isConnected = true;
        hasConnected = true;
        await checkTopics();
        return;
      } catch (error) {
        if (isStopping()) return;
        onFailure(error);
        discard(attempt);
        session = open();
        await pause(CONNECT_PAUSE_MS, stopping.signal);
      }
    }
  };

  /** Gives the client up, with all that hangs in it. */
  const replace = (old: Session): void => {
    if (session !== old || isStopping()) return;
    log.warn('the Kafka client is replaced by a new one');
    onReplaced();
    discard(old);
    session = open();
    void connect();
  };

  const checkTopics = (): Promise<void> => (checking ??= listMissing().finally(() => (checking = undefined)));

  const listMissing = async (): Promise<void> => {
    const admin = session.kafka.admin({ retry: RETRY });
    try {
      const existing = new Set(
        await inTime(
          CONNECT_ATTEMPT_MS,
          admin.connect().then(() => admin.listTopics()),
          'no list of topics',
        ),
      );
      const found = new Set(topics.filter((topic) => !existing.has(topic)));
      if (found.size > 0 && found.size !== missing.size)
        log.error(
          { code: codeOf('producer', 'missing-topic'), topics: [...found] },
          'topics are missing; what should go to them is refused until `npx dakia topics apply` has made them',
        );
      if (found.size === 0 && missing.size > 0) log.info('all topics are there now');
      missing = found;
    } catch (error) {
      onFailure(error);
    } finally {
      admin.disconnect().catch(() => undefined);
    }
    if (missing.size > 0)
      void pause(TOPIC_CHECK_MS, stopping.signal).then(() => (isStopping() ? undefined : checkTopics()));
  };

  return {
    start: async () => {
      const connected = connect();
      await Promise.race([connected, pause(CONNECT_ATTEMPT_MS, stopping.signal)]);
    },
    send: async (batch) => {
      const current = session;
      if (!current.isConnected) throw new kafkajs.KafkaJSConnectionError('not connected to Kafka');
      try {
        await inTime(STUCK_SEND_MS, sendAll(current.producer, batch), 'a send to Kafka does not settle');
      } catch (error) {
        onFailure(error);
        if (error instanceof TimedOut) replace(current);
        // kafkajs would go on asking for the topic that is gone, in every refresh of its metadata.
        if (failureKindOf(error) === 'missing-topic') void checkTopics().then(() => replace(current));
        throw error;
      }
    },
    missing: () => missing,
    hasConnected: () => hasConnected,
    stop: async (withinMs) => {
      stopping.abort();
      try {
        await inTime(withinMs, session.producer.disconnect(), 'the Kafka client does not disconnect');
      } catch (error) {
        onFailure(error);
        session.sockets.killAll();
      }
    },
  };
};

/** Sends until every record is confirmed. Only what kafkajs passed over is sent again; what failed is not. */
const sendAll = async (producer: Producer, batch: readonly TopicBatch[]): Promise<void> => {
  let rest = batch;
  for (let round = 0; round < CONFIRM_ROUNDS_MAX && rest.length > 0; round++) {
    rest = unconfirmed(
      rest,
      await producer.sendBatch({ acks: -1, timeout: BROKER_TIMEOUT_MS, topicMessages: [...rest] }),
    );
  }
  if (rest.length > 0)
    throw new Error(`Kafka did not confirm all partitions of ${rest.map(({ topic }) => topic).join(', ')}`);
};
