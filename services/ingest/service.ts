import { topics } from '#catalogue';
import { createProducer, kafkaIssues } from '#platform/kafka';
import { defineService } from '#platform/service';
import { createIngestApp } from './app.ts';
import { createKeyring, secretsIssues } from './keyring.ts';
import { createSchemaIdLookup } from './schema-id.ts';
import { createWebhookServer } from './server.ts';
import { ingestSettings } from './settings.ts';

/** Razorpay's deliveries in, durable records in Kafka out. */
export const ingest = defineService({
  name: 'ingest',
  settings: ingestSettings,
  check: (config) => [...secretsIssues(config), ...kafkaIssues(config)],
  components: ({ config, log, metrics }) => {
    const producer = createProducer({ config, log, metrics, clientId: 'dakia-ingest', topics });
    const keyring = createKeyring({ config, log, metrics });
    const schemaId = createSchemaIdLookup({
      registryUrl: config.schemaRegistryUrl,
      topicPrefix: config.topicPrefix,
      log,
    });
    const app = createIngestApp({ producer, secretsOf: keyring.secretsOf, schemaId: schemaId.current, metrics, log });
    return [
      producer,
      keyring,
      schemaId,
      createWebhookServer({ app, host: config.webhookHost, port: config.webhookPort, log }),
    ];
  },
});
