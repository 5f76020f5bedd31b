import { topicsOf } from '#catalogue';
import type { QUARANTINE_SERVICE, ServiceName } from '#catalogue';
import { kafkaSettings, postgresSettings, registrySettings } from '#runtime/config';
import { createEnvelopeDecoder, createSchemaLookup } from '#runtime/envelope';
import { createConsumer, kafkaIssues } from '#runtime/kafka';
import { defineService, now } from '#runtime/service';
import type { Component, Service } from '#runtime/service';
import { applyBatches, createDatabase, createPositions, createStoreMetrics, reportParkedKeys, roleOf } from '#store';
import type { Aggregate, Database } from '#store';

/**
 * A service that applies the topics it owns: Kafka on one side, one Postgres transaction per batch on the other. Services differ in
 * their name and in `aggregates`; the quarantine has none and only keeps what comes.
 */
export const defineDomainService = (name: ServiceName | typeof QUARANTINE_SERVICE, aggregates: readonly Aggregate[]): Service =>
  defineService({
    name,
    settings: { ...kafkaSettings, ...registrySettings, ...postgresSettings },
    check: kafkaIssues,
    components: ({ config, log, metrics, fail }) => {
      const database = createDatabase({ url: config.databaseUrl, poolSize: config.databasePoolSize, applicationName: `dakia-${name}`, role: roleOf(name), log });
      const storeMetrics = createStoreMetrics(metrics);
      reportParkedKeys(database, aggregates, storeMetrics);
      const consumer = createConsumer({
        config,
        group: name,
        topics: topicsOf(name),
        handler: applyBatches({ group: name, aggregates, database, clock: now, log, metrics: storeMetrics }),
        positions: createPositions(database, name),
        concurrency: config.databasePoolSize,
        decoder: createEnvelopeDecoder(config.schemaRegistryUrl === undefined ? undefined : createSchemaLookup(config.schemaRegistryUrl)),
        log,
        metrics,
        fail,
      });
      return [poolOf(database), consumer];
    },
  });

/** Connects when first needed, so that a service starts while Postgres is away; closed after the consumer has let go. */
const poolOf = (database: Database): Component => ({ name: 'postgres pool', start: async () => undefined, stop: database.close });
