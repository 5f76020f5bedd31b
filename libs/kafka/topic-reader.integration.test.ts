import { openTestKafka } from '#kit';
import type { TestKafka } from '#kit';
import { readTopics } from './topic-reader.ts';
import type { StoredRecord } from './topic-reader.ts';

/** Joining a group takes a while when the broker is busy with other tests. */
jest.setTimeout(40_000);

let kafka: TestKafka;
beforeAll(async () => {
  kafka = await openTestKafka();
  await Promise.all([kafka.createTopic('a', 3), kafka.createTopic('b', 1), kafka.createTopic('empty', 2)]);
});
afterAll(async () => kafka.close());

const numbered = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => ({
    key: `k${from + index}`,
    value: `v${from + index}`,
    headers: { n: String(from + index) },
  }));
/** Two of these are more than one fetch of a partition. */
const large = { key: 'k', value: Buffer.alloc(400 * 1024) };
const ourGroups = async (): Promise<readonly string[]> =>
  (await kafka.admin.listGroups()).groups.map(({ groupId }) => groupId).filter((id) => id.startsWith(kafka.prefix));

test('every record of several topics, partitions in order, with key, bytes and headers; the group is gone afterwards', async () => {
  await kafka.send('a', 0, numbered(0, 700));
  await kafka.send('a', 2, numbered(700, 703));
  await kafka.send('b', 0, [{ key: null, value: null }, ...numbered(0, 1)]);
  const read: StoredRecord[] = [];
  const progress: number[] = [];
  const total = await readTopics(kafka.kafka, {
    topics: ['a', 'b', 'empty'],
    prefix: kafka.prefix,
    onBatch: async (records) => void read.push(...records),
    onProgress: (done, of) => progress.push(done, of),
  });
  expect(total).toBe(705);
  const of = (topic: string, partition: number) =>
    read.filter((record) => record.topic === topic && record.partition === partition);
  expect(of('a', 0).map(({ value, offset }) => [String(value), offset])).toEqual(
    numbered(0, 700).map(({ value }, index) => [value, BigInt(index)]),
  );
  expect(of('a', 2).map(({ key, headers }) => [String(key), String(headers['n'])])).toEqual([
    ['k700', '700'],
    ['k701', '701'],
    ['k702', '702'],
  ]);
  expect(of('b', 0).map(({ key, value }) => [key === null, value === null])).toEqual([
    [true, true],
    [false, false],
  ]);
  expect(read).toHaveLength(705);
  expect(progress.slice(-2)).toEqual([705, 705]);
  expect(await ourGroups()).toEqual([]);
});

test('topics without a record end at once, a topic that is missing is named', async () => {
  const none = async () => {
    throw new Error('there is nothing to hand over');
  };
  expect(await readTopics(kafka.kafka, { topics: ['empty'], prefix: kafka.prefix, onBatch: none })).toBe(0);
  await expect(readTopics(kafka.kafka, { topics: ['no-such'], prefix: kafka.prefix, onBatch: none })).rejects.toThrow(
    `Kafka has no topic ${kafka.prefix}no-such; create it with npx dakia topics apply`,
  );
});

test('what is deleted is not read, what is written meanwhile neither', async () => {
  await kafka.createTopic('moving', 1);
  await kafka.send('moving', 0, numbered(0, 6));
  // More than one fetch of a partition: the second one brings what is written meanwhile, too.
  for (let sent = 0; sent < 2; sent++) await kafka.send('moving', 0, [large]);
  await kafka.admin.deleteTopicRecords({ topic: `${kafka.prefix}moving`, partitions: [{ partition: 0, offset: '4' }] });
  const read: StoredRecord[] = [];
  const total = await readTopics(kafka.kafka, {
    topics: ['moving'],
    prefix: kafka.prefix,
    onBatch: async (records) => {
      if (read.length === 0) await kafka.send('moving', 0, numbered(8, 13));
      read.push(...records);
    },
  });
  expect(total).toBe(4);
  expect(read.map(({ offset }) => Number(offset))).toEqual([4, 5, 6, 7]);
});

test('what a batch throws ends the reading', async () => {
  const seen: number[] = [];
  const refuse = async (records: readonly StoredRecord[]) => {
    seen.push(records.length);
    throw new Error('this record is refused');
  };
  await expect(readTopics(kafka.kafka, { topics: ['b'], prefix: kafka.prefix, onBatch: refuse })).rejects.toThrow(
    'this record is refused',
  );
  expect(seen).toHaveLength(1);
  expect(await ourGroups()).toEqual([]);
});

test('records that are deleted before they were read would be waited for in vain: the reading ends with one sentence', async () => {
  await kafka.createTopic('shrinking', 1);
  for (let sent = 0; sent < 3; sent++) await kafka.send('shrinking', 0, [large]);
  const reading = readTopics(kafka.kafka, {
    topics: ['shrinking'],
    prefix: kafka.prefix,
    onBatch: async () =>
      kafka.admin.deleteTopicRecords({
        topic: `${kafka.prefix}shrinking`,
        partitions: [{ partition: 0, offset: '-1' }],
      }),
    stallMs: 1_500,
  });
  await expect(reading).rejects.toThrow(`Kafka has sent nothing of ${kafka.prefix}shrinking for 1500 ms`);
  expect(await ourGroups()).toEqual([]);
});
