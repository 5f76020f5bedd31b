/** The server under load, as a process of its own: real, without Kafka, or bare. Started by measure.ts. */
import { setTimeout as delay } from 'node:timers/promises';
import fastify from 'fastify';
import { topics } from '#catalogue';
import { UNKNOWN_SCHEMA_ID } from '#envelope';
import { processEnvironment } from '#platform/config';
import { createProducer } from '#platform/kafka';
import type { EventProducer } from '#platform/kafka';
import { defineService, startServices } from '#platform/service';
import type { Service } from '#platform/service';
import { now } from '#platform/time';
import { createIngestApp } from '../../../services/ingest/app.ts';
import { createKeyring } from '../../../services/ingest/keyring.ts';
import { createWebhookServer } from '../../../services/ingest/server.ts';
import { ingest } from '../../../services/ingest/service.ts';
import { ingestSettings } from '../../../services/ingest/settings.ts';
import { createSources } from '../../../services/ingest/sources.ts';
import { answerParent } from '../answer-parent.ts';
import { UNTRACED_PORT } from './collector.ts';
import type { Variant } from './servers.ts';

/** About what Kafka takes to confirm a batch on the same machine. */
const ACKNOWLEDGED_AFTER_MS = 1;
const BODY_BYTES_MAX = 1024 * 1024;

let stop: () => Promise<unknown> = async () => undefined;

/** All of ingest except the way to Kafka: what the records cost to send is the difference. */
const withoutKafka = defineService({
  name: 'ingest',
  settings: ingestSettings,
  components: ({ config, log, metrics, tracer }) => {
    const producer: EventProducer = { publish: () => delay(ACKNOWLEDGED_AFTER_MS, 'durable') };
    const keyring = createKeyring({ config, log, metrics });
    const app = createIngestApp({
      producer,
      secretsOf: keyring.secretsOf,
      schemaId: () => UNKNOWN_SCHEMA_ID,
      bodyBytesMax: config.bodyBytesMax,
      sources: createSources(config, now),
      metrics,
      log,
      tracer,
    });
    const { webhookHost: host, webhookPort: port } = config;
    return [keyring, createWebhookServer({ app, host, port, drainDelayMs: 0, log })];
  },
});

/**
 * Ingest with traces and without in one process, on two ports: the same producer, heap and compiled code, which between
 * two processes differ by more than what is to be told apart. Without a collector both are without traces.
 */
const paired = defineService({
  name: 'ingest',
  settings: ingestSettings,
  components: ({ config, log, metrics, tracer }) => {
    const producer = createProducer({ config, log, metrics, clientId: 'dakia-ingest', topics });
    const keyring = createKeyring({ config, log, metrics });
    const serverOf = (port: number, ownTracer: typeof tracer) => {
      const app = createIngestApp({
        producer,
        secretsOf: keyring.secretsOf,
        schemaId: () => UNKNOWN_SCHEMA_ID,
        bodyBytesMax: config.bodyBytesMax,
        sources: createSources(config, now),
        metrics,
        log,
        tracer: ownTracer,
      });
      return createWebhookServer({ app, host: config.webhookHost, port, drainDelayMs: 0, log });
    };
    const untracedPort = Number(processEnvironment()[UNTRACED_PORT]);
    return [producer, keyring, serverOf(config.webhookPort, tracer), serverOf(untracedPort, undefined)];
  },
});

const startService = async (service: Service): Promise<void> => {
  const started = await startServices('ingest', [service], processEnvironment());
  if (!started.ok) throw new Error(started.issues.join('; '));
  stop = started.value.stop;
};

/** What no receiver on Fastify can be faster than: it reads the body and answers. */
const startBare = async (): Promise<void> => {
  const app = fastify({ logger: false, bodyLimit: BODY_BYTES_MAX });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.post('/webhooks/razorpay', async (_request, reply) => reply.code(200).send('{"status":"accepted"}'));
  await app.listen({ host: '127.0.0.1', port: Number(processEnvironment()['DAKIA_WEBHOOK_PORT']) });
  stop = async () => app.close();
};

const starts: Readonly<Record<Variant | 'paired', () => Promise<void>>> = {
  real: () => startService(ingest),
  'no-kafka': () => startService(withoutKafka),
  paired: () => startService(paired),
  bare: startBare,
};

answerParent({ start: (variant) => starts[variant as keyof typeof starts](), stop: () => stop() });
