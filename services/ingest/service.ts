import { topics } from '#catalogue';
import { createKafkaPing, createProducer, kafkaIssues } from '#kafka';
import { defineService } from '#platform/service';
import { now } from '#platform/time';
import { createIngestApp } from './app.ts';
import { createKeyring, secretsIssues } from './keyring.ts';
import { createSchemaIdLookup } from './schema-id.ts';
import { createWebhookServer } from './server.ts';
import { ingestSettings } from './settings.ts';
import { createSources, sourcesIssues } from './sources.ts';

/** Razorpay's deliveries in, durable records in Kafka out. */
export const ingest = defineService({
  name: 'ingest',
  settings: ingestSettings,
  check: (config) => [...secretsIssues(config), ...kafkaIssues(config), ...sourcesIssues(config)],
  components: ({ config, log, metrics, tracer, addReadinessCheck, watchDependency }) => {
    const producer = createProducer({ config, log, metrics, clientId: 'dakia-ingest', topics });
    addReadinessCheck(producer.unready);
    watchDependency({ name: 'kafka', ...createKafkaPing(config) });
    const keyring = createKeyring({ config, log, metrics });
    const schemaId = createSchemaIdLookup({
      registryUrl: config.schemaRegistryUrl,
      topicPrefix: config.topicPrefix,
      log,
    });
    const app = createIngestApp({
      producer,
      secretsOf: keyring.secretsOf,
      schemaId: schemaId.current,
      bodyBytesMax: config.bodyBytesMax,
      sources: createSources(config, now),
      metrics,
      log,
      tracer,
    });
    return [
      producer,
      keyring,
      schemaId,
      createWebhookServer({
        app,
        host: config.webhookHost,
        port: config.webhookPort,
        drainDelayMs: config.drainDelayMs,
        log,
      }),
    ];
  },
});
