import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import promClient from 'prom-client';
import { deadLetterTopicOf } from '#catalogue';
import { headerText } from '#envelope';
import { aggregatesOf } from '#families';
import type { Aggregate } from '#families';
import { eventually, openTestKafka, testServers } from '#kit';
import type { TestKafka } from '#kit';
import { freePort, serverFiles, silent, startRedis, stateFolder } from '#local';
import type { Redis } from '#local';
import { readConfig } from '#platform/config';
import { readTopics } from '#kafka';
import { createLogger } from '#platform/log';
import { getQueueStats, openQueue, retryQueueOf } from '#platform/queue';
import { createRedis } from '#platform/redis';
import type { Component } from '#platform/service';
import { instant } from '#rules';
import { domainSettings } from '../../services/domain-service.ts';
import { startPostgresProxy } from '../../test/faults/postgres-proxy.ts';
import type { PostgresProxy } from '../../test/faults/postgres-proxy.ts';
import { openTestStore, testEvent } from '../../test/kit/test-store.ts';
import type { TestPartition, TestStore } from '../../test/kit/test-store.ts';
import { paymentAggregate } from '../domain/families/payment/index.ts';
import { createDeadLetterPublisher } from './dead-letter-publisher.ts';
import { createRetries } from './retries.ts';
import type { Retries, RetryOptions } from './retries.ts';
import { retryPolicyOf } from './settings.ts';

/** A sweep waits for keys that are overdue for 5 s; Redis is started and stopped. */
jest.setTimeout(60_000);

const TOPIC = 'rzp.payments.v1';
const STOP_MS = 10_000;
const BUG = 'Cannot read properties of undefined (reading "bug")';
/** The payments' rule, with a bug that shows on one method until it is mended. */
let isBugThere = true;
const buggy: Aggregate = {
  ...paymentAggregate,
  apply: (current, snapshot) => {
    if (isBugThere && snapshot.subject['method'] === 'buggy') throw new TypeError(BUG);
    return paymentAggregate.apply(current, snapshot);
  },
};
const aggregates = [buggy, ...aggregatesOf('payments').slice(1)];
const captured = (key: string, method = 'buggy') =>
  testEvent('payment.captured', `ev_${key}`, key, { status: 'captured', amount: 100, method });

let root = '';
let redis: Redis;
let kafka: TestKafka;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'dakia-retries-'));
  // One of its own, because it is emptied and killed.
  redis = await startRedis({
    files: await serverFiles(silent),
    folder: stateFolder(root),
    port: await freePort(),
    report: silent,
  });
  kafka = await openTestKafka();
  await kafka.createTopic(deadLetterTopicOf('payments'), 3);
});
afterAll(async () => {
  await kafka.close();
  await redis.server.stop();
  rmSync(root, { recursive: true });
});

type Config = Parameters<typeof createRetries>[2]['config'];
interface RetriesFixture {
  readonly store: TestStore;
  readonly partition: TestPartition;
  readonly config: Config;
  readonly metrics: promClient.Registry;
  readonly log: ReturnType<typeof createLogger>;
  readonly logged: () => readonly string[];
  readonly start: (over?: Partial<Config>) => Promise<void>;
  readonly stop: () => Promise<void>;
  /** Keys that are parked, and how often their head was tried. */
  readonly parked: () => Promise<readonly { readonly key: string; readonly attempts: number }[]>;
}
const open: RetriesFixture[] = [];
const proxies: PostgresProxy[] = [];
const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
beforeEach(() => {
  isBugThere = true;
  process.on('unhandledRejection', onUnhandled);
});
afterEach(async () => {
  for (const fixture of open.splice(0)) {
    await fixture.stop();
    await fixture.store.close();
  }
  for (const proxy of proxies.splice(0)) proxy.close();
  process.off('unhandledRejection', onUnhandled);
  expect(unhandled.splice(0)).toEqual([]);
});

/** A consumer of payments and what wakes its keys, in a fixture of its own. */
const openRetriesFixture = async (delays: string, options: RetryOptions = {}): Promise<RetriesFixture> => {
  let retries: Retries | undefined;
  const lines: string[] = [];
  const log = createLogger('test', 'debug', { write: (line) => void lines.push(line) });
  const policy = retryPolicyOf({ retryDelays: delays });
  const store = await openTestStore('payments', aggregates, {
    policy,
    onCommitted: (committed) => retries?.onCommitted(committed),
  });
  const queuePrefix = `test-${randomBytes(5).toString('hex')}`;
  const read = readConfig(domainSettings, {
    ...testServers(),
    DATABASE_URL: store.url,
    REDIS_URL: redis.url,
    DAKIA_TOPIC_PREFIX: kafka.prefix,
    DAKIA_QUEUE_PREFIX: queuePrefix,
    DAKIA_RETRY_DELAYS: delays,
  });
  if (!read.ok) throw new Error(read.issues.join('; '));
  const config = read.value;
  const metrics = new promClient.Registry();
  let started: Component[] = [];
  const fixture: RetriesFixture = {
    store,
    partition: await store.partition(TOPIC),
    config,
    metrics,
    log,
    logged: () => lines,
    start: async (over = {}) => {
      retries = createRetries('payments', aggregates, { config: { ...config, ...over }, log, metrics }, options);
      for (const component of retries.components) {
        await component.start();
        started.push(component);
      }
    },
    stop: async () => {
      for (const component of started.toReversed()) await component.stop(instant(Date.now() + STOP_MS));
      started = [];
    },
    parked: async () => store.rows('SELECT entity_key AS key, attempts FROM parked_keys ORDER BY 1'),
  };
  open.push(fixture);
  return fixture;
};

const statsOf = async ({ config }: RetriesFixture) => (await getQueueStats(config, [retryQueueOf('payments')]))[0];
/** The first line with this text. */
const lineOf = ({ logged }: RetriesFixture, msg: string): Readonly<Record<string, unknown>> | undefined =>
  logged()
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
    .find((line) => line['msg'] === msg);
const flushRedis = async (): Promise<void> => {
  const client = createRedis({ redisUrl: () => redis.url, redisTlsCaFile: () => undefined }, {});
  client.on('error', () => undefined);
  await client.flushall();
  client.disconnect();
};

test('a parked key is woken at its time, and again after each failure, until it can be applied', async () => {
  const fixture = await openRetriesFixture('300ms,300ms,300ms,1h');
  await fixture.start();
  await fixture.partition.send(captured('pay_a'), captured('pay_b', 'upi'));
  await eventually('it is tried in vain twice', async () => ((await fixture.parked())[0]?.attempts ?? 0) >= 3);
  expect(lineOf(fixture, 'a parked entity was tried in vain')).toMatchObject({
    level: 'warn',
    eventId: 'ev_pay_a',
    family: 'payments',
    key: 'pay_a',
  });
  isBugThere = false;
  await eventually('it is free', async () => (await fixture.parked()).length === 0);
  expect(await fixture.store.rows('SELECT payment_id FROM payment_transactions ORDER BY 1')).toEqual([
    { payment_id: 'pay_a' },
    { payment_id: 'pay_b' },
  ]);
  await eventually('it is said', () => lineOf(fixture, 'a parked entity is free again') !== undefined);
  expect(lineOf(fixture, 'a parked entity is free again')).toMatchObject({ level: 'info', key: 'pay_a', applied: 1 });
});

test('FLUSHALL in the middle: every key that waits comes back from Postgres', async () => {
  const KEYS = 300;
  const fixture = await openRetriesFixture('2s,1h', { sweepEveryMs: 500 });
  await fixture.start();
  await fixture.partition.send(...Array.from({ length: KEYS }, (_, index) => captured(`pay_${index}`)));
  await eventually('each has its alarm', async () => (await statsOf(fixture))?.delayed === KEYS);
  isBugThere = false;
  await flushRedis();
  expect(await statsOf(fixture)).toMatchObject({ delayed: 0, prioritized: 0 });
  await eventually('all are free', async () => (await fixture.parked()).length === 0, 30_000);
  expect(await fixture.store.rows('SELECT count(*) AS n FROM payment_transactions')).toEqual([{ n: KEYS }]);
  expect(await fixture.store.rows("SELECT count(*) AS n FROM audit_logs WHERE action = 'event'")).toEqual([
    { n: KEYS },
  ]);
});

test('keys that were parked while nobody looked after them are found at the start', async () => {
  const fixture = await openRetriesFixture('10ms,1h');
  await fixture.partition.send(captured('pay_before'));
  isBugThere = false;
  await eventually(
    'it is overdue for longer than a sweep waits',
    async () =>
      (await fixture.store.rows("SELECT 1 FROM parked_keys WHERE next_attempt_at < now() - interval '5.5 s'"))
        .length === 1,
  );
  await fixture.start();
  await eventually('it is free', async () => (await fixture.parked()).length === 0);
});

test('without Redis, at the start and later, events are applied as fast as ever; what waits wakes once it is back', async () => {
  await redis.server.stop();
  const fixture = await openRetriesFixture('50ms,50ms,50ms,1h', { sweepEveryMs: 500 });
  await fixture.start();
  const send = async (from: number): Promise<number> => {
    const began = performance.now();
    for (let index = from; index < from + 20; index++)
      await fixture.partition.send(captured(`pay_bad${index}`), captured(`pay_ok${index}`, 'upi'));
    return performance.now() - began;
  };
  expect(await send(0)).toBeLessThan(5_000);
  expect(await fixture.parked()).toHaveLength(20);
  isBugThere = false;
  await redis.server.start();
  await eventually('all are free', async () => (await fixture.parked()).length === 0, 30_000);

  isBugThere = true;
  await redis.server.kill();
  expect(await send(20)).toBeLessThan(5_000);
  isBugThere = false;
  await redis.server.start();
  await eventually('all are free again', async () => (await fixture.parked()).length === 0, 40_000);
  expect(await fixture.store.rows('SELECT count(*) AS n FROM payment_transactions')).toEqual([{ n: 80 }]);
  expect(
    fixture.logged().filter((line) => line.includes('sweeper of parked entities cannot do its work')).length,
  ).toBeLessThanOrEqual(2);
});

test('a Postgres that is away while a key is tried uses up no attempt', async () => {
  const fixture = await openRetriesFixture('1s,1h');
  const proxy = await startPostgresProxy(fixture.store.url);
  proxies.push(proxy);
  await fixture.start({ databaseUrl: () => proxy.url });
  await fixture.partition.send(captured('pay_c'));
  proxy.cut();
  const inVain = () => fixture.logged().filter((line) => line.includes('this attempt does not count')).length;
  await eventually('it was woken in vain twice', () => inVain() >= 2, 30_000);
  expect(await fixture.parked()).toEqual([{ key: 'pay_c', attempts: 1 }]);
  proxy.mend();
  await eventually('it was tried', async () => (await fixture.parked())[0]?.attempts === 2, 30_000);
  expect(await fixture.store.rows('SELECT reason FROM parked_keys')).toEqual([{ reason: BUG }]);
});

test('a job that is not ours is shown as failed and stops nothing', async () => {
  const fixture = await openRetriesFixture('300ms,1h');
  await fixture.start();
  const queue = openQueue(fixture.config, retryQueueOf('payments'), fixture.log);
  await queue.add([
    { id: 'strange', data: {}, priority: 1, delayMs: 0 },
    { id: 'refunds.rfnd_1', data: { family: 'refunds', key: 'rfnd_1' }, priority: 1, delayMs: 0 },
    { id: 'payments.pay_none', data: { family: 'payments', key: 'pay_none' }, priority: 4, delayMs: 0 },
  ]);
  await eventually('they are done', async () => (await statsOf(fixture))?.failed === 2);
  await queue.close();
  isBugThere = true;
  await fixture.partition.send(captured('pay_d'));
  await eventually('a key is tried', async () => (await fixture.parked())[0]?.attempts === 2);
});

describe('dead letters', () => {
  const letters = async (): Promise<readonly string[]> => {
    const found: string[] = [];
    const take = async (records: readonly { readonly headers: Parameters<typeof headerText>[0] }[]) =>
      void found.push(...records.map(({ headers }) => headerText(headers, 'event-id') ?? ''));
    await readTopics(kafka.kafka, { topics: [deadLetterTopicOf('payments')], prefix: kafka.prefix, onBatch: take });
    return found;
  };
  const unpublished = async ({ store }: RetriesFixture): Promise<number> =>
    (await store.rows('SELECT 1 FROM dead_letters WHERE published_at IS NULL')).length;

  test('several processes copy each of them to Kafka once', async () => {
    const fixture = await openRetriesFixture('10ms');
    const names = Array.from({ length: 50 }, (_, index) => `pay_e${index}`);
    // A Kafka that nobody can reach: they die, and wait.
    await fixture.start({ kafkaBrokers: ['127.0.0.1:1'] });
    await fixture.partition.send(...names.map((name) => captured(name)));
    await eventually('all are given up', async () => (await fixture.parked()).length === 0);
    const given = lineOf(fixture, 'events were given up after their last attempt; npx dakia dead list shows why');
    expect(given).toMatchObject({ level: 'error', code: 'DAKIA_RETRY_EVENT_DEAD', family: 'payments', events: 1 });
    expect(given?.['eventIds']).toEqual([`ev_${String(given?.['key'])}`]);
    expect(await fixture.metrics.metrics()).toContain('dakia_dead_letters_total{family="payments"} 50\n');
    expect(await fixture.metrics.metrics()).toContain('dakia_dead_letters_open{family="payments"} 50\n');
    await eventually(
      'it says that Kafka does not take them',
      () => fixture.logged().some((line) => line.includes('dead-letter publisher cannot do its work')),
      20_000,
    );
    expect(await unpublished(fixture)).toBe(50);
    expect(await fixture.metrics.metrics()).toMatch(
      /^dakia_producer_failures_total\{client="dakia-payments-dead-letters",kind="\w[\w-]*"\} [1-9]/m,
    );
    await fixture.stop();

    const published = new promClient.Registry();
    const publishers = [1, 2, 3].map(() =>
      createDeadLetterPublisher({
        service: 'payments',
        config: fixture.config,
        database: fixture.store.database,
        log: fixture.log,
        metrics: published,
        everyMs: 200,
      }),
    );
    await Promise.all(publishers.map(async (publisher) => publisher.start()));
    await eventually('Kafka has them', async () => (await unpublished(fixture)) === 0, 20_000);
    await Promise.all(publishers.map(async (publisher) => publisher.stop(instant(Date.now() + STOP_MS))));
    expect(await published.metrics()).toMatch(
      /^dakia_producer_batch_seconds_count\{client="dakia-payments-dead-letters",result="\w+"\} [1-9]/m,
    );
    expect([...(await letters())].sort()).toEqual(names.map((name) => `ev_${name}`).sort());
  });
});
