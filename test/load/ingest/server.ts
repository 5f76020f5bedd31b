/** The server under load, as a process of its own: real, without Kafka, or bare. Started by measure.ts. */
import { setTimeout as delay } from 'node:timers/promises';
import fastify from 'fastify';
import { topics } from '#catalogue';
import { UNKNOWN_SCHEMA_ID } from '#envelope';
import { processEnvironment } from '#platform/config';
import type { ConfigOf } from '#platform/config';
import { createProducer } from '#platform/kafka';
import type { EventProducer } from '#platform/kafka';
import { defineService, startServices } from '#platform/service';
import type { Component, Host, Service } from '#platform/service';
import { now } from '#platform/time';
import { createIngestApp } from '../../../services/ingest/app.ts';
import { createKeyring } from '../../../services/ingest/keyring.ts';
import type { Keyring } from '../../../services/ingest/keyring.ts';
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

type IngestHost = Pick<Host<ConfigOf<typeof ingestSettings>>, 'config' | 'metrics' | 'log' | 'tracer'>;

/** What receives on one port, with all of ingest's settings but its own producer, port and tracer. */
const receiving = (
  { config, metrics, log, tracer }: IngestHost,
  producer: EventProducer,
  { secretsOf }: Keyring,
  port = config.webhookPort,
): Component =>
  createWebhookServer({
    app: createIngestApp({
      producer,
      secretsOf,
      schemaId: () => UNKNOWN_SCHEMA_ID,
      bodyBytesMax: config.bodyBytesMax,
      sources: createSources(config, now),
      metrics,
      log,
      tracer,
    }),
    host: config.webhookHost,
    port,
    drainDelayMs: 0,
    log,
  });

/** All of ingest except the way to Kafka: what the records cost to send is the difference. */
const withoutKafka = defineService({
  name: 'ingest',
  settings: ingestSettings,
  components: (host) => {
    const producer: EventProducer = { publish: () => delay(ACKNOWLEDGED_AFTER_MS, 'durable') };
    const keyring = createKeyring(host);
    return [keyring, receiving(host, producer, keyring)];
  },
});

/**
 * Ingest with traces and without in one process, on two ports: the same producer, heap and compiled code, which between
 * two processes differ by more than what is to be told apart. Without a collector both are without traces.
 */
const paired = defineService({
  name: 'ingest',
  settings: ingestSettings,
  components: (host) => {
    const producer = createProducer({ ...host, clientId: 'dakia-ingest', topics });
    const keyring = createKeyring(host);
    const untracedPort = Number(processEnvironment()[UNTRACED_PORT]);
    return [
      producer,
      keyring,
      receiving(host, producer, keyring),
      receiving({ ...host, tracer: undefined }, producer, keyring, untracedPort),
    ];
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
