import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import promClient from 'prom-client';
import { encodeEnvelope } from '#envelope';
import { createMemoryLedger, eventually, makeCertificate } from '#kit';
import { serverFiles, silent, startKafka, stateFolder } from '#local';
import type { Kafka } from '#local';
import { kafkaSettings, readConfig } from '#platform/config';
import type { Environment } from '#platform/config';
import { createLogger } from '#platform/log';
import { now } from '#platform/time';
import { entityId, eventId, instant } from '#rules';
import { applyTopics } from './admin.ts';
import { createKafka } from './client.ts';
import type { KafkaConfig } from './client.ts';
import { createConsumer } from './consumer/consumer.ts';
import { startedWhenPossible } from './consumer/started-when-possible.ts';
import { createKafkaPing } from './ping.ts';
import { createProducer } from './producer/producer.ts';
import { embeddedShape } from './topics.ts';

/** A broker of its own is started. */
jest.setTimeout(90_000);

const log = createLogger('test', 'fatal');
const users = { dakia: 'a-password-of-this-test' };
let root: string;
let broker: Kafka;
let certFile: string;
let clientFiles: { readonly KAFKA_TLS_CERT_FILE: string; readonly KAFKA_TLS_KEY_FILE: string };

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'dakia-security-'));
  const server = await makeCertificate(root, 'server');
  const client = await makeCertificate(root, 'client');
  certFile = server.certFile;
  clientFiles = { KAFKA_TLS_CERT_FILE: client.certFile, KAFKA_TLS_KEY_FILE: client.keyFile };
  broker = await startKafka({
    files: await serverFiles(silent),
    folder: stateFolder(root),
    ports: [0],
    report: silent,
    tls: { ...server, clientCaFile: client.certFile },
    users,
  });
});
afterAll(async () => {
  await broker.stop();
  rmSync(root, { recursive: true });
});

const configOf = (environment: Environment): KafkaConfig => {
  const config = readConfig(kafkaSettings, environment);
  if (!config.ok) throw new Error(config.issues.join('; '));
  return config.value;
};
const tls = (): Environment => ({ KAFKA_TLS: 'true', KAFKA_TLS_CA_FILE: certFile });
const login = (mechanism: string, password = users.dakia): Environment => ({
  KAFKA_SASL_MECHANISM: mechanism,
  KAFKA_SASL_USERNAME: 'dakia',
  KAFKA_SASL_PASSWORD: password,
});
const kafkaOf = (config: KafkaConfig) =>
  createKafka(config, log, {
    clientId: 'test',
    requestTimeoutMs: 5_000,
    retry: { retries: 1, initialRetryTime: 100, maxRetryTime: 200 },
  }).kafka;

/** A producer and a consumer, and what the handler sees: ids of events, or why a client gave up. */
const clientsOf = (config: KafkaConfig) => {
  const seen: string[] = [];
  return {
    seen,
    producer: createProducer({ config, log, metrics: new promClient.Registry(), clientId: 'test', topics: ['t'] }),
    consumer: createConsumer({
      config,
      group: 'g',
      topics: ['t'],
      positions: createMemoryLedger().positions,
      handler: async ({ records }) => {
        seen.push(...records.map(({ envelope }) => (envelope.ok ? envelope.value.eventId : 'undecodable')));
        return 'applied';
      },
      log,
      metrics: new promClient.Registry(),
      fail: (error) => void seen.push(error.message),
    }),
  };
};

const recordOf = (id: string) =>
  encodeEnvelope(
    {
      kind: 'event',
      event: 'payment.captured',
      family: 'payments',
      eventId: eventId(id),
      key: entityId('pay_1'),
      endpoint: 'default',
      accountId: null,
      occurredAt: null,
      receivedAt: instant(1_700_000_000_000),
      traceparent: null,
      rawBody: Buffer.from('{}'),
    },
    0,
  );

/** From topic to handler over the connection that the settings describe. */
const roundTrip = async (prefix: string, environment: Environment): Promise<readonly string[]> => {
  const config = configOf({ ...environment, DAKIA_TOPIC_PREFIX: prefix });
  expect(
    (await applyTopics(kafkaOf(config), { topics: ['t'], prefix, shape: { ...embeddedShape, partitions: 1 } }))
      .problems,
  ).toEqual([]);
  const { producer, consumer, seen } = clientsOf(config);
  await producer.start();
  await consumer.start();
  expect(await producer.publish('t', recordOf('evt_1'))).toBe('durable');
  await eventually('it arrives', () => seen.length > 0);
  await producer.stop(instant(now() + 5_000));
  await consumer.stop(instant(now() + 5_000));
  return seen;
};

test.each([
  [
    'TLS with a client certificate',
    'mutual.',
    () => ({ KAFKA_BROKERS: broker.addresses.tls, ...tls(), ...clientFiles }),
  ],
  ['SASL PLAIN', 'plain.', () => ({ KAFKA_BROKERS: broker.addresses.sasl, ...login('plain') })],
  ['SASL SCRAM-SHA-256', 'scram256.', () => ({ KAFKA_BROKERS: broker.addresses.sasl, ...login('scram-sha-256') })],
  [
    'SASL SCRAM-SHA-512 under TLS',
    'scram512.',
    () => ({ KAFKA_BROKERS: broker.addresses.saslTls, ...tls(), ...login('scram-sha-512') }),
  ],
])('producer, topics and consumer work over %s', async (_case, prefix, environment) => {
  expect(await roundTrip(prefix, environment())).toEqual(['evt_1']);
});

test.each([
  [
    'an unknown authority',
    () => ({ KAFKA_BROKERS: broker.addresses.saslTls, KAFKA_TLS: 'true', ...login('plain') }),
    /self-signed certificate/,
  ],
  [
    'a wrong password',
    () => ({ KAFKA_BROKERS: broker.addresses.sasl, ...login('scram-sha-512', 'wrong') }),
    /Authentication failed|invalid credentials/i,
  ],
  ['no password where one is wanted', () => ({ KAFKA_BROKERS: broker.addresses.sasl }), /Closed connection/],
  [
    'no client certificate where one is wanted',
    () => ({ KAFKA_BROKERS: broker.addresses.tls, ...tls() }),
    /certificate required|bad certificate/,
  ],
])('nobody is let in with %s', async (_case, environment, reason) => {
  const admin = kafkaOf(configOf(environment())).admin();
  await expect(admin.connect().then(() => admin.listTopics())).rejects.toThrow(reason);
  await admin.disconnect();
});

test('a client certificate that was renewed in its files is used at the next connection', async () => {
  const [cert, key] = [join(root, 'renewed.crt'), join(root, 'renewed.key')];
  const old = await makeCertificate(root, 'unknown');
  const put = (from: { readonly certFile: string; readonly keyFile: string }): void => {
    copyFileSync(from.certFile, cert);
    copyFileSync(from.keyFile, key);
  };
  put(old);
  const kafka = kafkaOf(
    configOf({
      KAFKA_BROKERS: broker.addresses.tls,
      ...tls(),
      KAFKA_TLS_CERT_FILE: cert,
      KAFKA_TLS_KEY_FILE: key,
    }),
  );
  const list = async (): Promise<readonly string[]> => {
    const admin = kafka.admin();
    try {
      await admin.connect();
      return await admin.listTopics();
    } finally {
      await admin.disconnect();
    }
  };
  await expect(list()).rejects.toThrow(/unknown ca|certificate/);
  const renewed = { certFile: clientFiles.KAFKA_TLS_CERT_FILE, keyFile: clientFiles.KAFKA_TLS_KEY_FILE };
  put(renewed);
  expect(await list()).toBeInstanceOf(Array);
  // Half of a renewal: the pair of before stays in use.
  copyFileSync(old.certFile, cert);
  expect(await list()).toBeInstanceOf(Array);
});

test('a password that was rotated in its file is used without a restart: by producer and consumer', async () => {
  const [prefix, file] = ['rotated.', join(root, 'password')];
  writeFileSync(file, 'a-password-of-yesterday');
  const { KAFKA_SASL_PASSWORD: _, ...user } = login('scram-sha-512');
  const config = configOf({
    KAFKA_BROKERS: broker.addresses.sasl,
    ...user,
    KAFKA_SASL_PASSWORD_FILE: file,
    DAKIA_TOPIC_PREFIX: prefix,
  });
  const plain = configOf({ KAFKA_BROKERS: broker.addresses.plain });
  await applyTopics(kafkaOf(plain), { topics: ['t'], prefix, shape: { ...embeddedShape, partitions: 1 } });
  const clients = clientsOf(config);
  const { producer, seen } = clients;
  const consumer = startedWhenPossible(clients.consumer, log);
  const isRefused = async (): Promise<boolean> => {
    const { ping, close } = createKafkaPing(config);
    try {
      return await ping().then(
        () => false,
        (error: unknown) => /[Aa]uthentication/.test(String(error)),
      );
    } finally {
      close();
    }
  };
  await producer.start();
  await consumer.start();
  const arrives = async (id: string): Promise<void> => {
    await eventually('it is durable', async () => (await producer.publish('t', recordOf(id))) === 'durable', 40_000);
    await eventually('it arrives', () => seen.includes(id), 40_000);
  };
  try {
    expect(consumer.unready()).toMatch(/[Aa]uthentication/);
    // What was refused is let in with the password of today, by the same clients.
    writeFileSync(file, users.dakia);
    await arrives('evt_1');
    // The file is ahead of the broker: whoever connects is refused, until it is right again.
    writeFileSync(file, 'a-password-of-tomorrow');
    const [node] = broker.nodes;
    await node?.server.kill();
    await node?.server.start();
    await eventually('it is refused', isRefused);
    writeFileSync(file, `${users.dakia}\n`);
    await arrives('evt_2');
    expect(seen.filter((each) => !each.startsWith('evt_'))).toEqual([]);
  } finally {
    await producer.stop(instant(now() + 5_000));
    await consumer.stop(instant(now() + 5_000));
  }
});

test('a consumer that is not let in says so and where', async () => {
  const config = configOf({ KAFKA_BROKERS: broker.addresses.sasl, ...login('plain', 'wrong') });
  const consumer = createConsumer({
    config,
    group: 'g',
    topics: ['t'],
    positions: createMemoryLedger().positions,
    handler: async () => 'applied',
    log,
    metrics: new promClient.Registry(),
    fail: () => undefined,
  });
  await expect(consumer.start()).rejects.toThrow(
    /^the consumer of g cannot start with Kafka at 127\.0\.0\.1:\d+: .*[Aa]uthentication/,
  );
});

test('a producer that is not let in refuses records, says once what to check, and tries on', async () => {
  const logged: string[] = [];
  const metrics = new promClient.Registry();
  const config = configOf({ KAFKA_BROKERS: broker.addresses.sasl, ...login('scram-sha-512', 'canary-password') });
  const producer = createProducer({
    config,
    log: createLogger('test', 'trace', { write: (line) => logged.push(line) }),
    metrics,
    clientId: 'test',
    topics: ['t'],
  });
  await producer.start();
  try {
    await eventually(
      'several attempts',
      async () =>
        Number(/failures_total\{[^}]*kind="authentication"[^}]*\} (\d+)/.exec(await metrics.metrics())?.[1] ?? 0) >= 3,
      20_000,
    );
    expect(await producer.publish('t', { key: 'k', value: Buffer.from('v'), headers: {} })).not.toBe('durable');
    expect(
      logged.filter((line) => line.includes('check KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD')),
    ).toHaveLength(1);
    expect(logged.join('')).not.toContain('canary');
  } finally {
    await producer.stop(instant(now() + 1_000));
  }
});
