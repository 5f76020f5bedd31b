import { applyBatches, createPositions, createStoreMetrics, reportParkedKeys, searchKey } from '#apply';
import type { Committed, RetryPolicy, SearchKey } from '#apply';
import { QUARANTINE_SERVICE, topicsOf } from '#catalogue';
import type { ServiceName } from '#catalogue';
import { createEnvelopeDecoder, createSchemaLookup } from '#envelope';
import { aggregatesOf } from '#families';
import type { Aggregate } from '#families';
import { createReporter } from '#operate';
import { createRetries, retryPolicyOf, retrySettings } from '#parking';
import type { RetryOptions } from '#parking';
import {
  kafkaSettings,
  postgresSettings,
  queueSettings,
  redisSettings,
  registrySettings,
  searchSettings,
} from '#platform/config';
import type { ConfigOf } from '#platform/config';
import { createConsumer, createKafkaPing, kafkaIssues, startedWhenPossible } from '#kafka';
import {
  createDatabase,
  createOutboxSignal,
  createPostgresPing,
  createSchemaWait,
  reportMigrations,
  roleOf,
} from '#platform/postgres';
import type { Database } from '#platform/postgres';
import { createRedisPing } from '#platform/redis';
import { defineService } from '#platform/service';
import type { Component, Host, Service } from '#platform/service';
import { now } from '#platform/time';

const consumerSettings = { ...kafkaSettings, ...registrySettings, ...postgresSettings } as const;
export const domainSettings = {
  ...consumerSettings,
  ...redisSettings,
  ...queueSettings,
  ...retrySettings,
  ...searchSettings,
} as const;

/**
 * A service that applies the topics it owns: Kafka on one side, one Postgres transaction per batch on the other, and
 * retries of what could not be applied. Services differ in their name, and so in the families they own.
 */
export const defineDomainService = (name: ServiceName, options: RetryOptions = {}): Service => {
  const aggregates = aggregatesOf(name);
  return defineService({
    name,
    settings: domainSettings,
    check: kafkaIssues,
    components: (host) => {
      host.watchDependency({ name: 'redis', ...createRedisPing(host.config) });
      const { components, onCommitted } = createRetries(name, aggregates, host, {
        ...options,
        searchKey: keyOf(host.config),
      });
      return [
        ...components,
        ...consumerOf(host, {
          name,
          aggregates,
          policy: retryPolicyOf(host.config),
          onCommitted,
          searchKey: keyOf(host.config),
        }),
      ];
    },
  });
};

/** Read once: rows of another key are found by nobody until `dakia digests apply --renew` has run (ADR 15). */
const keyOf = (config: ConfigOf<typeof searchSettings>): SearchKey | undefined => {
  const text = config.searchKey();
  return text === undefined ? undefined : searchKey(text);
};

/** The service that keeps what no catalogue row understands. It applies nothing, so nothing of it fails and waits. */
export const quarantine: Service = defineService({
  name: QUARANTINE_SERVICE,
  settings: consumerSettings,
  check: kafkaIssues,
  components: (host) => [
    ...reporterOf(host),
    ...consumerOf(host, { name: QUARANTINE_SERVICE, aggregates: [], policy: { delaysMs: [] } }),
  ],
});

/** Looks after all groups from here: this service is small, and each of its instances says the same. */
const reporterOf = ({
  config,
  log,
  metrics,
}: Pick<Host<ConfigOf<typeof consumerSettings>>, 'config' | 'log' | 'metrics'>): readonly Component[] => {
  const database = createDatabase({
    url: config.databaseUrl,
    poolSize: 1,
    applicationName: 'dakia-reporter',
    role: roleOf(QUARANTINE_SERVICE),
    log,
    metrics,
  });
  return [poolOf(database, 'postgres pool of the reporter'), createReporter({ config, database, metrics, log })];
};

interface Applied {
  readonly name: ServiceName | typeof QUARANTINE_SERVICE;
  readonly aggregates: readonly Aggregate[];
  readonly policy: RetryPolicy;
  readonly onCommitted?: (committed: Committed) => void;
  readonly searchKey?: SearchKey | undefined;
}

const consumerOf = (
  { config, log, metrics, tracer, fail, addReadinessCheck, watchDependency }: Host<ConfigOf<typeof consumerSettings>>,
  { name, onCommitted, ...applied }: Applied,
): readonly Component[] => {
  const database = createDatabase({
    url: config.databaseUrl,
    poolSize: config.databasePoolSize,
    applicationName: `dakia-${name}`,
    role: roleOf(name),
    log,
    metrics,
  });
  reportMigrations(metrics, database);
  const outboxSignal = createOutboxSignal(database);
  reportParkedKeys(database, applied.aggregates, metrics);
  const member = createConsumer({
    config,
    group: name,
    topics: topicsOf(name),
    handler: applyBatches({
      ...applied,
      group: name,
      database,
      connections: config.databasePoolSize,
      clock: now,
      log,
      metrics: createStoreMetrics(metrics),
      tracer,
      onCommitted: (committed) => {
        if (committed.facts > 0) outboxSignal.notify();
        onCommitted?.(committed);
      },
    }),
    positions: createPositions(database, name),
    decoder: createEnvelopeDecoder(
      config.schemaRegistryUrl === undefined ? undefined : createSchemaLookup(config.schemaRegistryUrl),
    ),
    log,
    metrics,
    fail,
  });
  const consumer = startedWhenPossible(member, log);
  const schema = createSchemaWait(database, log);
  addReadinessCheck(schema.unready);
  addReadinessCheck(consumer.unready);
  watchDependency({ name: 'kafka', ...createKafkaPing(config) });
  watchDependency({ name: 'postgres', ...createPostgresPing(config.databaseUrl) });
  return [poolOf(database), schema.component, consumer];
};

/**
 * Connects when first needed, so that a service starts while Postgres is away; closed after the consumer has let go.
 */
const poolOf = (database: Database, name = 'postgres pool'): Component => ({
  name,
  start: async () => undefined,
  stop: database.close,
});
