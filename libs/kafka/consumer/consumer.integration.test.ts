import type { Registry } from 'prom-client';
import { createMemoryLedger, eventually } from '#kit';
import { now } from '#platform/time';
import { instant } from '#rules';
import { ids, useTestConsumers } from '../../../test/kit/test-consumers.ts';
import type { BatchHandler, PartitionBatch } from '../contracts.ts';

/** The broker may be busy with other tests; each wait has its own, shorter bound. */
jest.setTimeout(60_000);

const opened = useTestConsumers();
const { consume, send, message, stop } = opened;
const metricsText = (registry: Registry) => registry.metrics();
const committed = async (group: string): Promise<Record<number, string>> => {
  const [topic] = await opened.cluster.admin.fetchOffsets({
    groupId: `${opened.cluster.prefix}${group}`,
    topics: [`${opened.cluster.prefix}${group}`],
  });
  return Object.fromEntries((topic?.partitions ?? []).map(({ partition, offset }) => [partition, offset]));
};

test('hands every record over once, in order, decoded, and commits behind the ledger', async () => {
  await opened.cluster.createTopic('flow', 1);
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
  await opened.cluster.createTopic('large', 1);
  const ledger = createMemoryLedger();
  const padding = 'x'.repeat(2_000);
  for (let from = 0; from < 1_000; from += 250)
    await opened.cluster.send(
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
  await opened.cluster.createTopic('bytes', 1);
  await opened.cluster.send('bytes', 0, [
    { key: 'k', value: 'no frame' },
    { key: null, value: null },
    message('evt_good'),
  ]);
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
  await opened.cluster.createTopic('restore', 1);
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

test('where nothing comes a fetch waits long: a record ends the wait, and a stop does not sit it out', async () => {
  await opened.cluster.createTopic('idle', 1);
  const ledger = createMemoryLedger();
  const WAIT_MS = 60_000;
  const { consumer, lines } = await consume('idle', ledger, { tuning: { idleFetchWaitMs: WAIT_MS } });
  await send('idle', 0, 1);
  await eventually('the first is applied', () => ledger.at('idle') === 1n);
  await send('idle', 1, 2);
  await eventually('so is the next', () => ledger.at('idle') === 2n);
  const began = performance.now();
  await stop(consumer);
  expect(performance.now() - began).toBeLessThan(8_000);
  expect(lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
});

test('after a fetch that brought records the next one rests: what comes meanwhile is one batch', async () => {
  await opened.cluster.createTopic('rest', 1);
  const ledger = createMemoryLedger();
  const sizes: number[] = [];
  await consume('rest', ledger, {
    handler: async (batch) => (sizes.push(batch.records.length), ledger.commit(batch, 'only')),
    tuning: { fetchRestMs: 2_000 },
  });
  await send('rest', 0, 1);
  await eventually('the first is applied at once', () => ledger.at('rest') === 1n);
  for (const from of [1, 2, 3]) await send('rest', from, from + 1);
  await eventually('the others follow', () => ledger.at('rest') === 4n);
  expect(sizes).toEqual([1, 3]);
});

test('two consumers: both work, nothing is lost or doubled, and one takes over when the other leaves', async () => {
  await opened.cluster.createTopic('two', 4);
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
  await opened.cluster.createTopic('long', 2);
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
  await opened.cluster.createTopic('retry', 2);
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

test('fetching never waits for applying: while one partition is stuck with a full buffer, the others get all their records', async () => {
  await opened.cluster.createTopic('stuck', 3);
  const ledger = createMemoryLedger();
  const released = Promise.withResolvers<void>();
  const entered = Promise.withResolvers<void>();
  const { lines } = await consume('stuck', ledger, {
    tuning: { chunkRecordsMax: 5, bufferRecordsMax: 10, roomWaitMs: 20 },
    handler: async (batch) => {
      if (batch.partition === 0) {
        entered.resolve();
        await released.promise;
      }
      return ledger.commit(batch, 'only');
    },
  });
  await send('stuck', 0, 100);
  await entered.promise;
  await eventually('it is fetched no further', () => lines.some(({ msg }) => msg.includes('the buffer is full')));
  for (let from = 0; from < 500; from += 50)
    for (const partition of [1, 2]) await send('stuck', from, from + 50, partition);
  await eventually('the others go on', () => ledger.at('stuck', 1) === 500n && ledger.at('stuck', 2) === 500n);
  expect(ledger.at('stuck')).toBe(0n);
  released.resolve();
  await eventually('it goes on itself', () => ledger.at('stuck') === 100n);
  expect(ledger.applied.filter(({ partition }) => partition === 0).map(({ id }) => id)).toEqual(ids(0, 100));
});

test('a stop lets the batch in hand end, commits it, and takes no other', async () => {
  await opened.cluster.createTopic('stop', 1);
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
  const { groups } = await opened.cluster.admin.describeGroups([`${opened.cluster.prefix}stop`]);
  expect(groups[0]?.members).toEqual([]);
});

test('a stop whose deadline comes aborts the batch in hand', async () => {
  await opened.cluster.createTopic('late', 1);
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
  opened.forget(consumer);
  await consumer.stop(instant(now() + 1_500));
  expect(ledger.applied).toEqual([]);
});

test('a handler that never settles is found', async () => {
  await opened.cluster.createTopic('hang', 1);
  await send('hang', 0, 1);
  const { consumer, failures } = await consume('hang', createMemoryLedger(), {
    tuning: { watchdogMs: 1_000 },
    handler: () => new Promise(() => undefined),
  });
  await eventually('the process is told', () => failures.length === 1);
  expect(failures[0]?.message).toContain('has done nothing for');
  opened.forget(consumer);
  await expect(consumer.stop(instant(now() + 1_200))).rejects.toThrow('left 1 batch(es) that did not end when aborted');
});

test('a missing topic or an unreachable cluster is said at the start', async () => {
  const ledger = createMemoryLedger();
  await expect(consume('nowhere', ledger)).rejects.toThrow(
    /has no topic .*nowhere; create it with npx dakia topics apply/,
  );
  await expect(
    consume('nowhere', ledger, { config: { ...opened.cluster.config, kafkaBrokers: ['127.0.0.1:1'] } }),
  ).rejects.toThrow('cannot start with Kafka at 127.0.0.1:1');
});
