import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import kafkajs from 'kafkajs';
import type { KafkaConfig, SASLOptions } from 'kafkajs';
import pg from 'pg';
import { eventually, makeCertificate } from '#kit';
import { stateFolder } from './folders.ts';
import { startKafka } from './kafka.ts';
import { removeRefuge } from './postgres-account.ts';
import { startPostgres } from './postgres.ts';
import { identityOf } from './process-identity.ts';
import { silent } from './progress.ts';
import { startRedis } from './redis.ts';
import { serverFiles } from './server-files.ts';

const SECOND = 1_000;
let root = '';
let certificate = { certFile: '', keyFile: '' };

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'dakia-servers-'));
  chmodSync(root, 0o755);
  certificate = await makeCertificate(root, 'server');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const common = async (name: string) => ({
  files: await serverFiles(silent),
  folder: stateFolder(join(root, name)),
  report: silent,
});

const clientOf = (brokers: string, more: Partial<KafkaConfig> = {}) =>
  new kafkajs.Kafka({
    brokers: brokers.split(','),
    logLevel: kafkajs.logLevel.NOTHING,
    connectionTimeout: 5 * SECOND,
    requestTimeout: 5 * SECOND,
    retry: { retries: 0 },
    ...more,
  });

const brokersSeen = async (client: kafkajs.Kafka): Promise<number> => {
  const admin = client.admin();
  try {
    await admin.connect();
    return (await admin.describeCluster()).brokers.length;
  } finally {
    await admin.disconnect();
  }
};

test(
  'three nodes: one is killed or frozen, a leader is found again within 3 s, and the node comes back',
  async () => {
    const kafka = await startKafka({ ...(await common('cluster')), ports: [0, 0, 0] });
    try {
      const survivors = clientOf(kafka.addresses.plain);
      expect(await brokersSeen(survivors)).toBe(3);
      const admin = survivors.admin();
      await admin.connect();
      await admin.createTopics({
        waitForLeaders: true,
        topics: [
          {
            topic: 't',
            numPartitions: 1,
            replicationFactor: 3,
            configEntries: [{ name: 'min.insync.replicas', value: '2' }],
          },
        ],
      });
      const leader = async (client = admin) =>
        (await client.fetchTopicMetadata({ topics: ['t'] })).topics[0]?.partitions[0]?.leader ?? -1;
      const first = await leader();
      const node = kafka.nodes[first - 1];
      await admin.disconnect();
      if (node === undefined) throw new Error(`no node ${first}`);

      await node.server.kill();
      expect(node.server.isRunning()).toBe(false);
      const others = clientOf(
        kafka.nodes
          .filter((each) => each !== node)
          .map(({ address }) => address)
          .join(','),
      );
      const watcher = others.admin();
      await watcher.connect();
      await eventually('another leader', async () => ![first, -1].includes(await leader(watcher)), 5 * SECOND);
      await node.server.start();
      await eventually(
        'all copies in sync again',
        async () => (await watcher.fetchTopicMetadata({ topics: ['t'] })).topics[0]?.partitions[0]?.isr.length === 3,
        20 * SECOND,
      );

      const second = await leader(watcher);
      await watcher.disconnect();
      const frozen = kafka.nodes[second - 1];
      if (frozen === undefined) throw new Error(`no node ${second}`);
      frozen.server.freeze();
      const rest = clientOf(
        kafka.nodes
          .filter((each) => each !== frozen)
          .map(({ address }) => address)
          .join(','),
      ).admin();
      await rest.connect();
      await eventually(
        'a leader beside the frozen one',
        async () => ![second, -1].includes(await leader(rest)),
        5 * SECOND,
      );
      frozen.server.thaw();
      await eventually(
        'the frozen one in sync again',
        async () => (await rest.fetchTopicMetadata({ topics: ['t'] })).topics[0]?.partitions[0]?.isr.length === 3,
        20 * SECOND,
      );
      await rest.disconnect();
    } finally {
      await kafka.stop();
    }
  },
  120 * SECOND,
);

test(
  'TLS and SASL listeners let in who has the certificate or the password, and nobody else',
  async () => {
    const users = { dakia: 'a-password-of-this-test' };
    const kafka = await startKafka({ ...(await common('secured')), ports: [0], tls: certificate, users });
    try {
      const { tls = '', sasl = '', saslTls = '' } = kafka.addresses;
      const ssl = { ca: [readFileSync(certificate.certFile, 'utf8')], servername: 'localhost' };
      const login = (mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512', password = users.dakia) =>
        ({ mechanism, username: 'dakia', password }) as SASLOptions;
      expect(await brokersSeen(clientOf(tls, { ssl }))).toBe(1);
      await expect(brokersSeen(clientOf(tls, { ssl: { servername: 'localhost' } }))).rejects.toThrow(
        /self-signed certificate/,
      );
      for (const mechanism of ['plain', 'scram-sha-256', 'scram-sha-512'] as const) {
        expect(await brokersSeen(clientOf(sasl, { sasl: login(mechanism) }))).toBe(1);
        await expect(brokersSeen(clientOf(sasl, { sasl: login(mechanism, 'wrong') }))).rejects.toThrow(
          /[Aa]uthentication/,
        );
      }
      expect(await brokersSeen(clientOf(saslTls, { ssl, sasl: login('scram-sha-512') }))).toBe(1);
    } finally {
      await kafka.stop();
    }
  },
  60 * SECOND,
);

test(
  'Redis with TLS and a password answers only with both, and keeps what it was given',
  async () => {
    const options = { ...(await common('redis')), port: 0, password: 'another-password', tls: certificate };
    const first = await startRedis(options);
    const tls = { ca: readFileSync(certificate.certFile, 'utf8'), servername: 'localhost' };
    const connect = (url: string, more: object = { tls }) => {
      const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0, ...more });
      client.on('error', () => undefined);
      return client;
    };
    const client = connect(first.url);
    await client.set('kept', 'yes');
    client.disconnect();
    const withoutPassword = connect(first.url.replace(':another-password@', ''));
    await expect(withoutPassword.get('kept')).rejects.toThrow(/NOAUTH/);
    withoutPassword.disconnect();
    const unknownAuthority = connect(first.url, { tls: { servername: 'localhost' } });
    await expect(unknownAuthority.connect()).rejects.toThrow();
    await first.server.stop();
    expect(statSync(join(options.folder.data, 'redis.conf')).mode & 0o777).toBe(0o600);

    const again = await startRedis(options);
    const reader = connect(again.url);
    expect(await reader.get('kept')).toBe('yes');
    reader.disconnect();
    await again.server.stop();
  },
  30 * SECOND,
);

const uidOf = (pid: number): number => Number(/^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
const query = async (config: pg.ClientConfig, text: string): Promise<unknown> => {
  const client = new pg.Client(config);
  // Its server may be killed while it is idle.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return Object.values((await client.query<Record<string, unknown>>(text)).rows[0] ?? {})[0];
  } finally {
    await client.end();
  }
};

test(
  'Postgres serves TLS, is never root, wants the password, and keeps its data over kill -9',
  async () => {
    const postgres = await startPostgres({ ...(await common('postgres')), port: 0, tls: certificate });
    const connectionString = postgres.url;
    const ssl = { ca: readFileSync(certificate.certFile, 'utf8') };
    try {
      expect(uidOf(postgres.server.pid())).not.toBe(0);
      expect(await query({ connectionString, ssl }, 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()')).toBe(
        true,
      );
      await expect(
        query({ connectionString, ssl: { ca: [] as string[], rejectUnauthorized: true } }, 'SELECT 1'),
      ).rejects.toThrow(/certificate/);
      await expect(
        query({ connectionString: connectionString.replace(/:[^:@]+@/, ':wrong@') }, 'SELECT 1'),
      ).rejects.toThrow(/password authentication failed/);
      await query({ connectionString }, 'CREATE TABLE kept (n int)');
      await query({ connectionString }, 'INSERT INTO kept VALUES (7)');
      // A child that computes does not notice the death of its server, and holds the shared memory until it is done.
      const busy = query(
        { connectionString },
        'DO $$ DECLARE began timestamptz := clock_timestamp(); BEGIN WHILE clock_timestamp() < began + interval ' +
          "'3 s' LOOP END LOOP; END $$",
      ).catch(() => undefined);
      await eventually(
        'a child computes',
        () =>
          query(
            { connectionString },
            "SELECT count(*) > 0 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'DO %'",
          ) as Promise<boolean>,
      );
      await postgres.server.kill();
      await postgres.server.start();
      await busy;
      expect(await query({ connectionString }, 'SELECT n FROM kept')).toBe(7);
    } finally {
      await postgres.server.stop();
    }
  },
  60 * SECOND,
);

test(
  'Postgres runs below a folder that only its owner may enter, twice on the same data',
  async () => {
    const home = join(root, 'home');
    mkdirSync(home, { mode: 0o700 });
    const options = { ...(await common('home/checkout/.dakia')), port: 0 };
    try {
      const first = await startPostgres(options);
      expect(uidOf(first.server.pid())).not.toBe(0);
      await query({ connectionString: first.url }, 'CREATE TABLE kept AS SELECT 7 AS n');
      await first.server.stop();
      const again = await startPostgres(options);
      expect(await query({ connectionString: again.url }, 'SELECT n FROM kept')).toBe(7);
      await again.server.stop();
      expect(identityOf(again.server.pid())).toBeUndefined();
    } finally {
      removeRefuge(join(options.folder.data, 'postgres'));
    }
  },
  60 * SECOND,
);
