import type { PartitionMetadata, RecordMetadata } from 'kafkajs';
import { rememberingPartitioner, unconfirmed } from './confirmation.ts';
import { fastRecord } from './fast-produce.ts';
import type { FastRecord } from './fast-produce.ts';

const partitions = (length: number): PartitionMetadata[] =>
  Array.from({ length }, (_, partitionId) => ({
    partitionId,
    leader: 1,
    replicas: [],
    isr: [],
    partitionErrorCode: 0,
  }));
const partitionMetadata = partitions(12);
const placed = (key: string): FastRecord => {
  const message = fastRecord({ key, value: Buffer.from('v'), headers: {} });
  const partition = rememberingPartitioner()({ topic: 't', partitionMetadata, message });
  expect(message.partition).toBe(partition);
  return message;
};
const confirmedAs = (topicName: string, partition: number | undefined, errorCode = 0): RecordMetadata => ({
  topicName,
  partition: partition ?? -1,
  errorCode,
});

test('records go where Java would put them, and remember it', () => {
  // Apache Kafka, UtilsTest.testMurmur2: murmur2 of these keys, made positive, modulo 12.
  const expected = {
    '21': -973932308,
    foobar: -790332482,
    'a-little-bit-long-string': -985981536,
    'a-little-bit-longer-string': -1486304829,
    lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8: -58897971,
  };
  for (const [key, hash] of Object.entries(expected))
    expect([key, placed(key).partition]).toEqual([key, (hash & 0x7fffffff) % 12]);
});

test('a record keeps its partition when partitions are added between two attempts of one send', () => {
  for (const key of ['21', 'foobar', 'a-little-bit-long-string']) {
    const message = placed(key);
    const { partition } = message;
    const anew = fastRecord({ key, value: Buffer.from('v'), headers: {} });
    const grown = partitions(31);
    expect(rememberingPartitioner()({ topic: 't', partitionMetadata: grown, message: anew })).not.toBe(partition);
    expect(rememberingPartitioner()({ topic: 't', partitionMetadata: grown, message })).toBe(partition);
    expect(message.partition).toBe(partition);
  }
});

test('what kafkajs passed over is found, by topic and partition', () => {
  const [one, two, three] = [placed('21'), placed('foobar'), placed('a-little-bit-long-string')];
  expect(new Set([one.partition, two.partition, three.partition]).size).toBe(3);
  const batch = [
    { topic: 'a', messages: [one, two] },
    { topic: 'b', messages: [three] },
  ];
  const all = [confirmedAs('a', one.partition), confirmedAs('a', two.partition), confirmedAs('b', three.partition)];
  expect(unconfirmed(batch, all)).toEqual([]);
  expect(unconfirmed(batch, all.slice(1))).toEqual([{ topic: 'a', messages: [one] }]);
  expect(unconfirmed(batch, [...all.slice(0, 2), confirmedAs('a', three.partition)])).toEqual([
    { topic: 'b', messages: [three] },
  ]);
  expect(unconfirmed(batch, [...all.slice(0, 2), confirmedAs('b', three.partition, 3)])).toEqual([
    { topic: 'b', messages: [three] },
  ]);
  expect(unconfirmed(batch, [])).toEqual(batch);
  expect(
    unconfirmed([{ topic: 'a', messages: [fastRecord({ key: 'k', value: Buffer.alloc(0), headers: {} })] }], all),
  ).toHaveLength(1);
});
