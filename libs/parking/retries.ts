import type { Committed, SearchKey } from '#apply';
import type { ServiceName } from '#catalogue';
import type { Aggregate } from '#families';
import type {
  ConfigOf,
  kafkaSettings,
  postgresSettings,
  queueSettings,
  redisSettings,
  registrySettings,
} from '#platform/config';
import { createDatabase, roleOf } from '#platform/postgres';
import { createWorker, openQueue, retryQueueOf, SWEEP_EVERY_MS } from '#platform/queue';
import type { Component, Host } from '#platform/service';
import { createDeadLetterPublisher } from './dead-letter-publisher.ts';
import { reportRetries } from './retry-metrics.ts';
import { createRetryWork } from './retry-worker.ts';
import { createRetryScheduler } from './schedule-retry.ts';
import { retryPolicyOf } from './settings.ts';
import type { retrySettings } from './settings.ts';
import { createSweeper } from './sweeper.ts';

type RetryConfig = ConfigOf<
  typeof kafkaSettings &
    typeof registrySettings &
    typeof postgresSettings &
    typeof redisSettings &
    typeof queueSettings &
    typeof retrySettings
>;

export interface RetryOptions {
  /** Pause between two looks into Postgres for what got lost, in ms, instead of the usual one. */
  readonly sweepEveryMs?: number;
  readonly searchKey?: SearchKey | undefined;
}

export interface Retries {
  /** In order of start; the consumer comes after them, so that it stops before them. */
  readonly components: readonly Component[];
  readonly onCommitted: (committed: Pick<Committed, 'parked'>) => void;
}

/** Connections beyond those of the keys that are woken: for the sweeper, the publisher and a scrape. */
const OTHER_CONNECTIONS = 2;

/**
 * All that wakes the parked keys of a service. Postgres says what is to be done and when; Redis is the alarm clock. The
 * pool is one of its own, so that many keys that wake at once take no connection from the consumer.
 */
export const createRetries = (
  service: ServiceName,
  aggregates: readonly Aggregate[],
  {
    config,
    log,
    metrics,
    tracer,
  }: Pick<Host<RetryConfig>, 'config' | 'log' | 'metrics'> & Partial<Pick<Host<RetryConfig>, 'tracer'>>,
  { sweepEveryMs = SWEEP_EVERY_MS, searchKey }: RetryOptions = {},
): Retries => {
  const database = createDatabase({
    url: config.databaseUrl,
    poolSize: config.retryConcurrency + OTHER_CONNECTIONS,
    applicationName: `dakia-${service}-retries`,
    role: roleOf(service),
    log,
    metrics,
  });
  reportRetries(database, aggregates, metrics);
  const queue = openQueue(config, retryQueueOf(service), log);
  const scheduler = createRetryScheduler(queue, log);
  const publisher = createDeadLetterPublisher({ service, config, database, log, metrics, everyMs: sweepEveryMs });
  const sweeper = createSweeper({ database, group: service, queue, log, everyMs: sweepEveryMs });
  const worker = createWorker({
    config,
    queue: queue.name,
    concurrency: config.retryConcurrency,
    work: createRetryWork({
      service,
      database,
      aggregates,
      policy: retryPolicyOf(config),
      searchKey,
      log,
      metrics,
      tracer,
      onDead: publisher.runSoon,
    }),
    log,
    metrics,
  });
  return {
    components: [
      { name: 'postgres pool of retries', start: async () => undefined, stop: database.close },
      { name: 'retry queue', start: async () => undefined, stop: queue.close },
      publisher,
      sweeper,
      worker,
    ],
    onCommitted: ({ parked }) => scheduler.schedule(parked),
  };
};
