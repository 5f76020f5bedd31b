import { codeOf } from '#platform/log';
import type { Logger } from '#platform/log';
import type { Registry } from '#platform/metrics';
import type { Component } from '#platform/service';
import { createThrottle, now } from '#platform/time';
import type { KafkaConfig } from '../client.ts';
import type { EventProducer } from '../contracts.ts';
import { createBatcher } from './batcher.ts';
import type { Reluctance } from './batcher.ts';
import { adviceFor, failureKindOf } from './failure.ts';
import { assertFastProduce, installFastProduce } from './fast-produce.ts';
import { createConnection } from './connection.ts';
import { producerMetricsOf } from './metrics.ts';

/** A failure of one kind is logged at most once in this time, in ms; all are counted. */
const FAILURE_LOG_INTERVAL_MS = 30_000;
/** Least time for a clean disconnect, in ms, when the flush has used up the deadline. */
const DISCONNECT_MIN_MS = 200;

export interface KafkaProducer extends Component, EventProducer {
  /** Why a record would not be accepted now; asked before any work is done for it. */
  readonly reluctance: () => Reluctance | undefined;
  /** Why it cannot write yet; nothing once it has been connected. */
  readonly unready: () => string | undefined;
}

export interface ProducerOptions {
  readonly config: KafkaConfig;
  readonly log: Logger;
  readonly metrics: Registry;
  /** Also the label `client` of its metrics: one of a fixed few. */
  readonly clientId: string;
  /** Catalogue names of all topics that will be written to. */
  readonly topics: readonly string[];
}

/**
 * Writes records to Kafka in batches, acknowledged by all in-sync replicas, each answered within PUBLISH_DEADLINE_MS. A
 * Kafka that is away, slow, full or wrongly set up never makes it fail or grow: records are refused until it is back.
 */
export const createProducer = ({ config, log, metrics, clientId, topics }: ProducerOptions): KafkaProducer => {
  installFastProduce();
  const observer = producerMetricsOf(metrics, clientId);
  /** The same text for each record of a topic: what is joined anew is hashed anew, wherever it is looked up. */
  const fullNames = new Map(topics.map((topic) => [topic, config.topicPrefix + topic]));
  const fullName = (topic: string): string => fullNames.get(topic) ?? config.topicPrefix + topic;
  const throttle = createThrottle(FAILURE_LOG_INTERVAL_MS);

  const onFailure = (error: unknown): void => {
    const kind = failureKindOf(error);
    observer.failed(kind);
    if (throttle.admit(kind) !== undefined)
      log.error({ code: codeOf('producer', kind), err: error }, `Kafka: ${adviceFor(kind)}`);
  };

  const connection = createConnection({
    config,
    log,
    clientId,
    topics: topics.map(fullName),
    onFailure,
    onReplaced: observer.replaced,
  });
  const batcher = createBatcher(connection.send, observer);
  const unwatch = observer.watch(batcher.load, () => connection.missing().size);

  return {
    name: 'Kafka producer',
    reluctance: batcher.reluctance,
    unready: () => (connection.hasConnected() ? undefined : 'the Kafka producer has not connected yet'),
    publish: (topic, record) => {
      const name = fullName(topic);
      if (!connection.missing().has(name)) return batcher.publish(name, record);
      observer.failed('missing-topic');
      return Promise.resolve('unknown');
    },
    start: async () => {
      await assertFastProduce();
      await connection.start();
    },
    stop: async (deadline) => {
      await batcher.close();
      await connection.stop(Math.max(DISCONNECT_MIN_MS, deadline - now()));
      unwatch();
    },
  };
};
