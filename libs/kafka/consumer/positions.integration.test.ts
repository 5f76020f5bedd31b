import kafkajs from 'kafkajs';
import type { Registry } from 'prom-client';
import { createMemoryLedger, eventually } from '#kit';
import { ids, useTestConsumers } from '../../../test/kit/test-consumers.ts';

/** The broker may be busy with other tests; each wait has its own, shorter bound. */
jest.setTimeout(60_000);

const opened = useTestConsumers();
const { consume, send, message } = opened;
const metricsText = (registry: Registry) => registry.metrics();

test('a ledger that cannot be read keeps the partition waiting, and nothing is applied', async () => {
  await opened.cluster.createTopic('unread', 1);
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
  await opened.cluster.createTopic('moved', 1);
  const ledger = createMemoryLedger();
  await send('moved', 0, 10);
  await consume('moved', ledger);
  await eventually('all are applied', () => ledger.at('moved') === 10n);
  ledger.stand('moved', 4n);
  await send('moved', 10, 12);
  await eventually('it caught up', () => ledger.at('moved') === 12n);
  expect(ledger.ids()).toEqual([...ids(0, 10), ...ids(4, 12)]);
});

test('a ledger that went back under an idle consumer is noticed without another record', async () => {
  await opened.cluster.createTopic('back', 1);
  const ledger = createMemoryLedger();
  await send('back', 0, 10);
  const { metrics } = await consume('back', ledger);
  await eventually('all are applied', () => ledger.at('back') === 10n);
  ledger.stand('back', 4n);
  await eventually('it caught up', () => ledger.at('back') === 10n);
  expect(ledger.ids()).toEqual([...ids(0, 10), ...ids(4, 10)]);
  await eventually('the lag is 0', async () =>
    (await metricsText(metrics)).includes('dakia_partition_lag{topic="back",partition="0"} 0'),
  );
});

test('a halted partition stands still with one error and a metric, the others go on; later it goes on where it may', async () => {
  await opened.cluster.createTopic('halt', 2);
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
  expect(ledger.troubles).toEqual(['halt/0 other-cluster: the ledger was written against another cluster']);
  expect(lines.filter(({ level }) => level === 'error').map(({ msg }) => msg)).toEqual([
    'halt/0 stands still, the other partitions go on: the ledger was written against another cluster',
  ]);
});

test.each([
  ['while nobody reads', false],
  ['while they wait to be fetched; what is in hand already is applied', true],
])('records that left the log are a gap, never skipped: %s', async (_case, late) => {
  const topic = late ? 'gap-late' : 'gap-early';
  await opened.cluster.createTopic(topic, 1);
  const ledger = createMemoryLedger();
  let blocked = late;
  // The admin client has to have heard of the topic before.
  const drop = () =>
    eventually(
      'records are deleted',
      async () => (
        await opened.cluster.admin.deleteTopicRecords({
          topic: `${opened.cluster.prefix}${topic}`,
          partitions: [{ partition: 0, offset: '7' }],
        }),
        true
      ),
    );
  await send(topic, 0, 4);
  if (!late) {
    await send(topic, 4, 10);
    await drop();
  }
  const { metrics, lines } = await consume(topic, ledger, {
    tuning: { bufferRecordsMax: 1, roomWaitMs: 1 },
    handler: async (batch) => {
      if (blocked) throw new Error('the database is away');
      return ledger.commit(batch, 'only');
    },
  });
  if (late) {
    await eventually('it was tried', () => lines.some(({ msg }) => msg.includes('could not be applied')));
    // One record fills the buffer.
    await send(topic, 4, 5);
    await eventually('fetching is paused', () => lines.some(({ msg }) => msg.includes('the buffer is full')));
    await send(topic, 5, 10);
    await drop();
    blocked = false;
  }
  await eventually('it is halted', async () =>
    (await metricsText(metrics)).includes(`dakia_partition_halted{topic="${topic}",partition="0",reason="gap"} 1`),
  );
  const inHand = Number(ledger.at(topic));
  expect(inHand).toBeGreaterThanOrEqual(late ? 4 : 0);
  expect(inHand).toBeLessThan(7);
  expect(lines.find(({ msg }) => msg.includes('stands still'))?.msg).toContain(`records ${inHand} to 6 left the log`);
  expect(ledger.ids()).toEqual(ids(0, inHand));
  ledger.stand(topic, 7n);
  await eventually('the operator decided', () => ledger.at(topic) === 10n);
  expect(ledger.ids()).toEqual([...ids(0, inHand), ...ids(7, 10)]);
});

test('a position behind the end of the log halts', async () => {
  await opened.cluster.createTopic('past', 1);
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
  await opened.cluster.createTopic('anew', 1);
  const ledger = createMemoryLedger();
  await send('anew', 0, 5);
  const { metrics } = await consume('anew', ledger);
  await eventually('all are applied', () => ledger.at('anew') === 5n);
  await opened.cluster.admin.deleteTopics({ topics: [`${opened.cluster.prefix}anew`] });
  await eventually('it is there again', async () => {
    await opened.cluster.createTopic('anew', 1);
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

test('a log that was made anew and has grown past the position is not taken for the old one; an operator decides', async () => {
  await opened.cluster.createTopic('regrown', 1);
  const ledger = createMemoryLedger();
  await send('regrown', 0, 5);
  const first = await consume('regrown', ledger);
  await eventually('all are applied', () => ledger.at('regrown') === 5n);
  await opened.stop(first.consumer);
  // A restart alone changes nothing: the record before the position is the one that was applied.
  const again = await consume('regrown', ledger);
  await send('regrown', 5, 7);
  await eventually('it reads on', () => ledger.at('regrown') === 7n);
  await opened.stop(again.consumer);
  await opened.cluster.admin.deleteTopics({ topics: [`${opened.cluster.prefix}regrown`] });
  await eventually('it is there again', async () => {
    await opened.cluster.createTopic('regrown', 1);
    return true;
  });
  await eventually('it takes records', async () => (await send('regrown', 100, 112), true));
  const { metrics, lines } = await consume('regrown', ledger);
  await eventually('it is halted', async () =>
    (await metricsText(metrics)).includes('dakia_partition_halted{topic="regrown",partition="0",reason="other-log"} 1'),
  );
  expect(lines.find(({ msg }) => msg.includes('stands still'))?.msg).toMatch(
    /the record before offset 7 is not the one that was applied \(evt_6, .*\) but evt_106/,
  );
  expect(ledger.ids()).toEqual(ids(0, 7));
  expect(ledger.troubles[0]).toMatch(/^regrown\/0 other-log/);
  ledger.stand('regrown', 0n);
  await eventually('it goes on', () => ledger.at('regrown') === 12n);
  expect(ledger.ids()).toEqual([...ids(0, 7), ...ids(100, 112)]);
});

test('a hole inside the log is not stepped over', async () => {
  await opened.cluster.createTopic('hole', 1);
  const ledger = createMemoryLedger();
  await send('hole', 0, 2);
  const producer = opened.cluster.kafka.producer({
    transactionalId: `${opened.cluster.prefix}hole`,
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  const transaction = await producer.transaction();
  await transaction.send({ topic: `${opened.cluster.prefix}hole`, messages: [message('evt_2')] });
  await transaction.commit();
  await producer.disconnect();
  await eventually(
    'the marker of the transaction is in the log',
    async () => (await opened.cluster.admin.fetchTopicOffsets(`${opened.cluster.prefix}hole`))[0]?.high === '4',
  );
  await send('hole', 4, 6);
  const { metrics, lines } = await consume('hole', ledger);
  await eventually('it is halted', async () =>
    (await metricsText(metrics)).includes('dakia_partition_halted{topic="hole",partition="0",reason="gap"} 1'),
  );
  expect(lines.find(({ msg }) => msg.includes('stands still'))?.msg).toContain('the log has no record 3');
  expect(ledger.ids()).toEqual(ids(0, 3));
});
