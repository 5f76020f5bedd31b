import kafkajs from 'kafkajs';
import promClient from 'prom-client';
import { encodeEnvelope } from '#envelope';
import { createMemoryLedger, eventually, openTestKafka } from '#kit';
import type { MemoryLedger, TestKafka } from '#kit';
import { createLogger } from '#platform/log';
import { now } from '#platform/time';
import type { Component } from '#platform/service';
import { entityId, eventId, instant } from '#rules';
import type { BatchHandler, PartitionBatch } from '../contracts.ts';
import { createConsumer } from './consumer.ts';
import type { ConsumerOptions } from './consumer.ts';

/** The broker may be busy with other tests; each wait has its own, shorter bound. */
jest.setTimeout(60_000);

const STOP_MS = 10_000;
let cluster: TestKafka;
const running: Component[] = [];

beforeAll(async () => void (cluster = await openTestKafka()));
afterEach(async () => {
  for (const consumer of running.splice(0)) await consumer.stop(instant(now() + STOP_MS));
});
afterAll(() => cluster.close());

const consume = async (topic: string, ledger: MemoryLedger, over: Partial<ConsumerOptions> = {}) => {
  const lines: { level: string; msg: string }[] = [];
  const metrics = new promClient.Registry();
  const failures: Error[] = [];
  const consumer = createConsumer({
    config: cluster.config,
    group: topic,
    topics: [topic],
    handler: async (batch) => ledger.commit(batch, 'only'),
    positions: ledger.positions,
    concurrency: 4,
    log: createLogger('test', 'debug', {
      write: (line) => void lines.push(JSON.parse(line) as { level: string; msg: string }),
    }),
    metrics,
    fail: (error) => failures.push(error),
    ...over,
    tuning: { retryMaxMs: 400, haltRecheckMs: 200, commitEveryMs: 100, lagPollMs: 200, ...over.tuning },
  });
  await consumer.start();
  running.push(consumer);
  return { consumer, lines, metrics, failures };
};
const stop = async (consumer: Component): Promise<void> => {
  running.splice(running.indexOf(consumer), 1);
  await consumer.stop(instant(now() + STOP_MS));
};

const message = (id: string) => {
  const { key, value, headers } = encodeEnvelope(
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
  return { key, value, headers: { ...headers } };
};
const ids = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `evt_${from + index}`);
const send = (topic: string, from: number, to: number, partition = 0) =>
  cluster.send(topic, partition, ids(from, to).map(message));
const committed = async (group: string): Promise<Record<number, string>> => {
  const [topic] = await cluster.admin.fetchOffsets({
    groupId: `${cluster.prefix}${group}`,
    topics: [`${cluster.prefix}${group}`],
  });
  return Object.fromEntries((topic?.partitions ?? []).map(({ partition, offset }) => [partition, offset]));
};
const metricsText = (registry: promClient.Registry) => registry.metrics();

test('hands every record over once, in order, decoded, and commits behind the ledger', async () => {
  await cluster.createTopic('flow', 1);
  const ledger = createMemoryLedger();
  await send('flow', 0, 1200);
  const { metrics } = await consume('flow', ledger);
  await eventually('all are applied', () => ledger.at('flow') === 1200n);
  await send('flow', 1200, 1300);
  await eventually('the later ones too', () => ledger.at('flow') === 1300n);
  expect(ledger.ids()).toEqual(ids(0, 1300));
  await eventually('Kafka knows', async () => (await committed('flow'))[0] === '1300');
  await eventually('the lag is 0', async () =>
    (await metricsText(metrics)).includes('dakia_partition_lag{topic="flow",partition="0"} 0'),
  );
  expect(await metricsText(metrics)).toContain('dakia_consumed_events_total{topic="flow"} 1300');
});

test('a log larger than one fetch is read through, and what was applied is not fetched again', async () => {
  await cluster.createTopic('large', 1);
  const ledger = createMemoryLedger();
  const padding = 'x'.repeat(2_000);
  for (let from = 0; from < 1_000; from += 250)
    await cluster.send(
      'large',
      0,
      ids(from, from + 250).map((id) => ({ ...message(id), headers: { ...message(id).headers, padding } })),
    );
  const { lines } = await consume('large', ledger);
  await eventually('all are applied', () => ledger.at('large') === 1_000n);
  expect(ledger.ids()).toEqual(ids(0, 1_000));
  expect(lines.filter(({ msg }) => msg.startsWith('Kafka gave other records'))).toEqual([]);
});

test('what cannot be decoded is handed over with its bytes', async () => {
  await cluster.createTopic('bytes', 1);
  await cluster.send('bytes', 0, [{ key: 'k', value: 'no frame' }, { key: null, value: null }, message('evt_good')]);
  const ledger = createMemoryLedger();
  const batches: PartitionBatch[] = [];
  await consume('bytes', ledger, { handler: async (batch) => (batches.push(batch), ledger.commit(batch, 'only')) });
  await eventually('all are applied', () => ledger.at('bytes') === 3n);
  expect(
    batches.flatMap(({ records }) => records.map(({ key, value, envelope }) => [key, String(value), envelope.ok])),
  ).toEqual([
    ['k', 'no frame', false],
    [null, '', false],
    ['pay_1', expect.any(String), true],
  ]);
});

test('the ledger is the position, not what Kafka has committed; an older ledger replays by itself', async () => {
  await cluster.createTopic('restore', 1);
  await send('restore', 0, 30);
  const ledger = createMemoryLedger();
  ledger.stand('restore', 10n);
  const first = await consume('restore', ledger);
  await eventually('read from the ledger on', () => ledger.at('restore') === 30n);
  await stop(first.consumer);
  expect((await committed('restore'))[0]).toBe('30');
  ledger.stand('restore', 25n);
  await consume('restore', ledger);
  await eventually('the difference is replayed', () => ledger.at('restore') === 30n);
  expect(ledger.ids()).toEqual([...ids(10, 30), ...ids(25, 30)]);
});

test('two consumers: both work, nothing is lost or doubled, and one takes over when the other leaves', async () => {
  await cluster.createTopic('two', 4);
  const ledger = createMemoryLedger();
  const inHand = new Map<number, string>();
  const overlaps: string[] = [];
  const handlerOf =
    (by: string): BatchHandler =>
    async (batch) => {
      const other = inHand.get(batch.partition);
      if (other !== undefined) overlaps.push(`${batch.partition}: ${other} and ${by}`);
      inHand.set(batch.partition, by);
      await new Promise((resolve) => setImmediate(resolve));
      inHand.delete(batch.partition);
      return ledger.commit(batch, by);
    };
  const sendAll = async (from: number, to: number) => {
    for (const partition of [0, 1, 2, 3]) await send('two', from, to, partition);
  };
  const all = (offset: bigint) => () => [0, 1, 2, 3].every((partition) => ledger.at('two', partition) === offset);
  const a = await consume('two', ledger, { handler: handlerOf('a'), tuning: { chunkRecordsMax: 5 } });
  await sendAll(0, 50);
  const started = consume('two', ledger, { handler: handlerOf('b'), tuning: { chunkRecordsMax: 5 } });
  await sendAll(50, 100);
  await started;
  await sendAll(100, 150);
  await eventually('all are applied by two', all(150n));
  expect(new Set(ledger.applied.filter(({ offset }) => offset >= 149n).map(({ by }) => by))).toEqual(
    new Set(['a', 'b']),
  );
  const partitionsReported = async () =>
    ((await metricsText(a.metrics)).match(/^dakia_partition_lag\{/gm) ?? []).length;
  await eventually('the first reports only what it still has', async () => (await partitionsReported()) === 2);
  await stop(a.consumer);
  await sendAll(150, 200);
  await eventually('all are applied by one', all(200n));
  expect(overlaps).toEqual([]);
  for (const partition of [0, 1, 2, 3])
    expect(ledger.applied.filter((one) => one.partition === partition).map(({ id }) => id)).toEqual(ids(0, 200));
});

test('a batch that takes too long for a rebalance is aborted, and its partition goes to whom the group gives it', async () => {
  await cluster.createTopic('long', 2);
  const ledger = createMemoryLedger();
  const aborted: number[] = [];
  const slow: BatchHandler = ({ partition }, signal) =>
    new Promise((_resolve, reject) =>
      signal.addEventListener('abort', () => {
        aborted.push(partition);
        reject(new Error('aborted'));
      }),
    );
  await send('long', 0, 5);
  await send('long', 0, 5, 1);
  await consume('long', ledger, { handler: slow, tuning: { rebalanceGraceMs: 300 } });
  await consume('long', ledger);
  await eventually(
    'the second one applies its partition',
    () => ledger.at('long', 0) === 5n || ledger.at('long', 1) === 5n,
  );
  expect(new Set(aborted)).toEqual(new Set([0, 1]));
});

test('a failing database: the very same batch again, no rebalance, one log line, the other partition goes on', async () => {
  await cluster.createTopic('retry', 2);
  const ledger = createMemoryLedger();
  let down = true;
  const tries: string[] = [];
  const handler: BatchHandler = async (batch) => {
    if (batch.partition === 0 && down) {
      tries.push(`${batch.firstOffset}-${batch.nextOffset}`);
      throw new TypeError('undefined is not a function');
    }
    return ledger.commit(batch, 'only');
  };
  await send('retry', 0, 3);
  const { lines, metrics, failures } = await consume('retry', ledger, { handler });
  await eventually('it is tried again', () => tries.length >= 2);
  await send('retry', 3, 6);
  await send('retry', 0, 5, 1);
  await eventually('the other partition goes on', () => ledger.at('retry', 1) === 5n);
  await eventually('it is tried more often', () => tries.length >= 5);
  down = false;
  await eventually('it goes on', () => ledger.at('retry') === 6n);
  expect(new Set(tries)).toEqual(new Set(['0-3']));
  expect(ledger.applied.filter(({ partition }) => partition === 0).map(({ id }) => id)).toEqual(ids(0, 6));
  expect(lines.filter(({ level }) => level === 'error').map(({ msg }) => msg)).toEqual([
    'records 0 to 2 could not be applied; it is tried again until it works',
  ]);
  expect(lines.map(({ msg }) => msg)).toContain('applying a batch works again');
  expect(await metricsText(metrics)).toContain(`dakia_consumer_rebalances_total{group="retry"} 1`);
  expect(failures).toEqual([]);
});

test('a ledger that cannot be read keeps the partition waiting, and nothing is applied', async () => {
  await cluster.createTopic('unread', 1);
  const ledger = createMemoryLedger();
  let down = true;
  let asked = 0;
  ledger.judge(() => {
    asked += 1;
    if (down) throw new Error('the database is away');
    return undefined;
  });
  await send('unread', 0, 3);
  await consume('unread', ledger);
  await eventually('it is asked again and again', () => asked >= 4);
  expect(ledger.applied).toEqual([]);
  down = false;
  await eventually('it goes on', () => ledger.at('unread') === 3n);
});

test('a ledger that someone else moved is read again, and reading goes on there', async () => {
  await cluster.createTopic('moved', 1);
  const ledger = createMemoryLedger();
  await send('moved', 0, 10);
  await consume('moved', ledger);
  await eventually('all are applied', () => ledger.at('moved') === 10n);
  ledger.stand('moved', 4n);
  await send('moved', 10, 12);
  await eventually('it caught up', () => ledger.at('moved') === 12n);
  expect(ledger.ids()).toEqual([...ids(0, 10), ...ids(4, 12)]);
});

test('a halted partition stands still with one error and a metric, the others go on; later it goes on where it may', async () => {
  await cluster.createTopic('halt', 2);
  const ledger = createMemoryLedger();
  let halted = true;
  ledger.judge((_topic, partition) =>
    partition === 0 && halted
      ? {
          kind: 'halted',
          reason: 'other-cluster',
          explanation: 'the ledger was written against another cluster',
          offset: 0n,
        }
      : undefined,
  );
  await send('halt', 0, 5);
  await send('halt', 0, 5, 1);
  const { lines, metrics } = await consume('halt', ledger);
  await eventually('the other partition is read', () => ledger.at('halt', 1) === 5n);
  const line = 'dakia_partition_halted{topic="halt",partition="0",reason="other-cluster"} 1';
  await eventually('it is counted', async () => (await metricsText(metrics)).includes(line));
  ledger.stand('halt', 2n);
  halted = false;
  await eventually('it goes on', () => ledger.at('halt') === 5n);
  expect(ledger.applied.filter(({ partition }) => partition === 0).map(({ id }) => id)).toEqual(ids(2, 5));
  expect(await metricsText(metrics)).not.toContain(line);
  expect(lines.filter(({ level }) => level === 'error').map(({ msg }) => msg)).toEqual([
    'halt/0 stands still, the other partitions go on: the ledger was written against another cluster',
  ]);
});

test.each([
  ['while nobody reads', false],
  ['while it waits to be read', true],
])('records that left the log %s are a gap, never skipped', async (_case, early) => {
  const topic = early ? 'gap-late' : 'gap-early';
  await cluster.createTopic(topic, 1);
  const ledger = createMemoryLedger();
  let blocked = early;
  // The admin client has to have heard of the topic before.
  const drop = () =>
    eventually(
      'records are deleted',
      async () => (
        await cluster.admin.deleteTopicRecords({
          topic: `${cluster.prefix}${topic}`,
          partitions: [{ partition: 0, offset: '7' }],
        }),
        true
      ),
    );
  await send(topic, 0, 10);
  if (!early) await drop();
  const { metrics, lines } = await consume(topic, ledger, {
    handler: async (batch) => {
      if (blocked) throw new Error('the database is away');
      return ledger.commit(batch, 'only');
    },
  });
  if (early) {
    await eventually('it was tried', () => lines.some(({ msg }) => msg.includes('could not be applied')));
    await drop();
    blocked = false;
  }
  await eventually('it is halted', async () =>
    (await metricsText(metrics)).includes(`dakia_partition_halted{topic="${topic}",partition="0",reason="gap"} 1`),
  );
  expect(lines.find(({ msg }) => msg.includes('stands still'))?.msg).toContain('records 0 to 6 left the log');
  expect(ledger.applied).toEqual([]);
  ledger.stand(topic, 7n);
  await eventually('the operator decided', () => ledger.at(topic) === 10n);
  expect(ledger.ids()).toEqual(ids(7, 10));
});

test('a position behind the end of the log halts', async () => {
  await cluster.createTopic('past', 1);
  const ledger = createMemoryLedger();
  ledger.stand('past', 5n);
  await send('past', 0, 3);
  const { metrics } = await consume('past', ledger);
  await eventually('it is halted', async () =>
    (await metricsText(metrics)).includes('dakia_partition_halted{topic="past",partition="0",reason="past-end"} 1'),
  );
  expect(ledger.applied).toEqual([]);
});

test('a log that was made anew while it is read halts, and starts nothing over', async () => {
  await cluster.createTopic('anew', 1);
  const ledger = createMemoryLedger();
  await send('anew', 0, 5);
  const { metrics } = await consume('anew', ledger);
  await eventually('all are applied', () => ledger.at('anew') === 5n);
  await cluster.admin.deleteTopics({ topics: [`${cluster.prefix}anew`] });
  await eventually('it is there again', async () => {
    await cluster.createTopic('anew', 1);
    return true;
  });
  await eventually('it takes records', async () => (await send('anew', 0, 2), true));
  await eventually(
    'it is halted',
    async () =>
      (await metricsText(metrics)).includes('dakia_partition_halted{topic="anew",partition="0",reason="past-end"} 1'),
    30_000,
  );
  expect(ledger.ids()).toEqual(ids(0, 5));
});

test('a hole inside the log is not stepped over', async () => {
  await cluster.createTopic('hole', 1);
  const ledger = createMemoryLedger();
  await send('hole', 0, 2);
  const producer = cluster.kafka.producer({
    transactionalId: `${cluster.prefix}hole`,
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  const transaction = await producer.transaction();
  await transaction.send({ topic: `${cluster.prefix}hole`, messages: [message('evt_2')] });
  await transaction.commit();
  await producer.disconnect();
  await eventually(
    'the marker of the transaction is in the log',
    async () => (await cluster.admin.fetchTopicOffsets(`${cluster.prefix}hole`))[0]?.high === '4',
  );
  await send('hole', 4, 6);
  const { metrics, lines } = await consume('hole', ledger);
  await eventually('it is halted', async () =>
    (await metricsText(metrics)).includes('dakia_partition_halted{topic="hole",partition="0",reason="gap"} 1'),
  );
  expect(lines.find(({ msg }) => msg.includes('stands still'))?.msg).toContain('the log has no record 3');
  expect(ledger.ids()).toEqual(ids(0, 3));
});

test('a stop lets the batch in hand end, commits it, and takes no other', async () => {
  await cluster.createTopic('stop', 1);
  const ledger = createMemoryLedger();
  const entered = Promise.withResolvers<void>();
  const leave = Promise.withResolvers<void>();
  await send('stop', 0, 10);
  const { consumer } = await consume('stop', ledger, {
    tuning: { chunkRecordsMax: 4, commitEveryMs: 60_000 },
    handler: async (batch) => {
      entered.resolve();
      await leave.promise;
      return ledger.commit(batch, 'only');
    },
  });
  await entered.promise;
  const stopped = stop(consumer);
  leave.resolve();
  await stopped;
  expect(ledger.ids()).toEqual(ids(0, 4));
  expect((await committed('stop'))[0]).toBe('4');
  const { groups } = await cluster.admin.describeGroups([`${cluster.prefix}stop`]);
  expect(groups[0]?.members).toEqual([]);
});

test('a stop whose deadline comes aborts the batch in hand', async () => {
  await cluster.createTopic('late', 1);
  const ledger = createMemoryLedger();
  const entered = Promise.withResolvers<void>();
  await send('late', 0, 3);
  const { consumer } = await consume('late', ledger, {
    handler: (_batch, signal) => {
      entered.resolve();
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
    },
  });
  await entered.promise;
  running.splice(running.indexOf(consumer), 1);
  await consumer.stop(instant(now() + 1_500));
  expect(ledger.applied).toEqual([]);
});

test('a handler that never settles is found', async () => {
  await cluster.createTopic('hang', 1);
  await send('hang', 0, 1);
  const { consumer, failures } = await consume('hang', createMemoryLedger(), {
    tuning: { watchdogMs: 1_000 },
    handler: () => new Promise(() => undefined),
  });
  await eventually('the process is told', () => failures.length === 1);
  expect(failures[0]?.message).toContain('has done nothing for');
  running.splice(running.indexOf(consumer), 1);
  await expect(consumer.stop(instant(now() + 1_200))).rejects.toThrow('left 1 batch(es) that did not end when aborted');
});

test('a missing topic or an unreachable cluster is said at the start', async () => {
  const ledger = createMemoryLedger();
  await expect(consume('nowhere', ledger)).rejects.toThrow(
    /has no topic .*nowhere; create it with npx dakia topics apply/,
  );
  await expect(
    consume('nowhere', ledger, { config: { ...cluster.config, kafkaBrokers: ['127.0.0.1:1'] } }),
  ).rejects.toThrow('cannot start with Kafka at 127.0.0.1:1');
});
