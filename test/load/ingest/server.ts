/** The server under load, as a process of its own: real, without Kafka, or bare. Started by measure.ts. */
import { setTimeout as delay } from 'node:timers/promises';
import fastify from 'fastify';
import { processEnvironment } from '#platform/config';
import type { EventProducer } from '#kafka';
import { defineService } from '#platform/service';
import type { Service } from '#platform/service';
import { createKeyring } from '../../../services/ingest/keyring.ts';
import { ingest } from '../../../services/ingest/service.ts';
import { ingestSettings } from '../../../services/ingest/settings.ts';
import { answerParent } from '../answer-parent.ts';
import { receiving, startOne } from './receiving.ts';
import type { Variant } from './servers.ts';

/** About what Kafka takes to confirm a batch on the same machine. */
const ACKNOWLEDGED_AFTER_MS = 1;
const BODY_BYTES_MAX = 1024 * 1024;

let stop: () => Promise<unknown> = async () => undefined;

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

const startService = async (service: Service): Promise<void> => {
  ({ stop } = await startOne(service));
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

const starts: Readonly<Record<Variant, () => Promise<void>>> = {
  real: () => startService(ingest),
  'no-kafka': () => startService(withoutKafka),
  bare: startBare,
};

answerParent({ start: (variant) => starts[variant as Variant](), stop: () => stop() });
