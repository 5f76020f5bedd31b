import fc from 'fast-check';
import { codePoint } from '#kit/code-point';
import type { KafkaRecord } from '#envelope';
import { kafkajsInternal, patchIdleTimer } from '../kafkajs-patch.ts';
import { assertFastProduce, fastRecord, installFastProduce, produceRequest } from './fast-produce.ts';
import { boundOfRecord, encodeProduce } from './record-batch.ts';
import type { TopicData } from './record-batch.ts';

interface DecodedBatch {
  readonly magicByte?: number;
  readonly lastOffsetDelta: number;
  readonly producerId: string;
  readonly records: readonly {
    readonly key: Buffer;
    readonly value: Buffer;
    readonly headers: Readonly<Record<string, Buffer>>;
    readonly offset: string;
    readonly timestamp: string;
  }[];
}
interface Decoder {
  readonly buffer: Buffer;
  offset: number;
  readInt16(): number;
  readInt32(): number;
  readString(): string | null;
  slice(size: number): Decoder;
  forward(size: number): void;
}
const Decoder = kafkajsInternal('src/protocol/decoder.js') as new (buffer: Buffer) => Decoder;
const decodeRecordBatch = kafkajsInternal('src/protocol/recordBatch/v0/decoder.js') as (
  decoder: Decoder,
) => Promise<DecodedBatch>;
const stockCrc = kafkajsInternal('src/protocol/recordBatch/crc32C/index.js') as (buffer: Buffer) => number;

/** Offset of the checksum in a record batch, and of what it covers, in bytes. */
const CRC_AT = 17;
const CRC_COVERS_FROM = 21;

/** kafkajs' decoder takes a header called `toString` for one that came twice. */
const headerName = fc.string({ unit: codePoint, maxLength: 20 }).filter((name) => !(name in {}));
const record = fc.record({
  key: fc.string({ unit: codePoint, maxLength: 60 }),
  value: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  headers: fc.dictionary(headerName, fc.string({ unit: codePoint, maxLength: 60 }), {
    maxKeys: 5,
    noNullPrototype: true,
  }),
});
const topicData: fc.Arbitrary<TopicData> = fc.array(
  fc.record({
    topic: fc.string({ minLength: 1, maxLength: 40 }),
    partitions: fc.array(
      fc.record({
        partition: fc.nat(1000),
        messages: fc.array(record, { minLength: 1, maxLength: 70, size: 'small' }),
      }),
      { minLength: 1, maxLength: 4 },
    ),
  }),
  { minLength: 1, maxLength: 3 },
);

/** Reads a request back by kafkajs' own decoders; checks its sizes and checksums on the way. */
const decode = async (body: Buffer) => {
  const decoder = new Decoder(body);
  const [transactionalId, acks, timeout] = [decoder.readString(), decoder.readInt16(), decoder.readInt32()];
  const topics = [];
  for (let left = decoder.readInt32(); left > 0; left--) {
    const topic = decoder.readString() ?? '';
    const partitions = [];
    for (let rest = decoder.readInt32(); rest > 0; rest--) {
      const partition = decoder.readInt32();
      const size = decoder.readInt32();
      const batch = body.subarray(decoder.offset, decoder.offset + size);
      expect(batch.readUInt32BE(CRC_AT)).toBe(stockCrc(batch.subarray(CRC_COVERS_FROM)) >>> 0);
      const decoded = await decodeRecordBatch(new Decoder(batch));
      decoder.forward(size);
      expect(decoded).toMatchObject({ lastOffsetDelta: decoded.records.length - 1, producerId: '-1' });
      partitions.push({
        partition,
        messages: decoded.records.map(({ key, value, headers }) => ({
          key: key.toString(),
          value,
          headers: textOf(headers),
        })),
      });
    }
    topics.push({ topic, partitions });
  }
  expect(decoder.offset).toBe(body.length);
  return { transactionalId, acks, timeout, topics };
};
const textOf = (headers: Readonly<Record<string, Buffer>>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.toString()]));
/** Text as UTF-8 can hold it: a lone surrogate becomes the replacement character, for kafkajs as for us. */
const wellFormed = ({ key, value, headers }: KafkaRecord) => ({
  key: key.toWellFormed(),
  value,
  headers: Object.fromEntries(
    Object.entries(headers).map(([name, text]) => [name.toWellFormed(), text.toWellFormed()]),
  ),
});
const expected = (topics: TopicData) =>
  topics.map(({ topic, partitions }) => ({
    topic: topic.toWellFormed(),
    partitions: partitions.map(({ partition, messages }) => ({ partition, messages: messages.map(wellFormed) })),
  }));

test('whatever is encoded is what kafkajs decodes', async () => {
  await fc.assert(
    fc.asyncProperty(topicData, fc.nat(60_000), async (topics, timeout) => {
      expect(await decode(encodeProduce(-1, timeout, topics))).toEqual({
        transactionalId: null,
        acks: -1,
        timeout,
        topics: expected(topics),
      });
    }),
    { numRuns: 200 },
  );
});

test('the bytes are the same as those of the encoder that is replaced, where both have the same time', async () => {
  installFastProduce();
  jest.useFakeTimers({ now: 1_787_839_420_123, doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  try {
    await fc.assert(
      fc.asyncProperty(topicData, async (topics) => {
        const stock = await produceRequest(7, { acks: -1, timeout: 3_000, topicData: topics }).request.encode();
        const ours = Buffer.from(encodeProduce(-1, 3_000, topics));
        expect(withoutEpochs(ours)).toEqual(withoutEpochs(Buffer.from(stock.buffer)));
      }),
      { numRuns: 100 },
    );
  } finally {
    jest.useRealTimers();
  }
});

/**
 * kafkajs writes leader epoch, producer epoch and sequence as 0 where
 * there is no producer id; we write -1, as Java does.
 */
const withoutEpochs = (body: Buffer): Buffer => {
  const decoder = new Decoder(body);
  decoder.readString();
  decoder.forward(6);
  for (let left = decoder.readInt32(); left > 0; left--) {
    decoder.readString();
    for (let rest = decoder.readInt32(); rest > 0; rest--) {
      decoder.forward(4);
      const size = decoder.readInt32();
      body.fill(0, decoder.offset + 12, decoder.offset + 16);
      body.fill(0, decoder.offset + CRC_AT, decoder.offset + CRC_COVERS_FROM);
      body.fill(0, decoder.offset + 51, decoder.offset + 57);
      decoder.forward(size);
    }
  }
  return body;
};

test('a record is never larger than its bound', () => {
  fc.assert(
    fc.property(record, (one) => {
      const withOne = encodeProduce(-1, 0, [{ topic: 't', partitions: [{ partition: 0, messages: [one] }] }]).length;
      const empty = encodeProduce(-1, 0, [{ topic: 't', partitions: [{ partition: 0, messages: [] }] }]).length;
      expect(withOne - empty).toBeLessThanOrEqual(boundOfRecord(one));
    }),
  );
});

test('a record of 1 MiB, and a batch of 200, come through whole', async () => {
  const large = { key: 'k', value: Buffer.alloc(1024 * 1024, 'x'), headers: { 'event-id': 'a' } };
  const many = Array.from({ length: 200 }, (_, index) => ({
    key: `pay_${index}`,
    value: Buffer.from(`${index}`),
    headers: {},
  }));
  const { topics } = await decode(
    encodeProduce(-1, 1, [
      {
        topic: 't',
        partitions: [
          { partition: 0, messages: [large] },
          { partition: 1, messages: many },
        ],
      },
    ]),
  );
  expect(topics[0]?.partitions[0]?.messages[0]?.value.equals(large.value)).toBe(true);
  expect(topics[0]?.partitions[1]?.messages).toEqual(many);
});

test('every size of a value is written with the right number of bytes', async () => {
  const sizes = [0, 1, 7, 13, 14, 20]
    .flatMap((bits) => [2 ** bits - 1, 2 ** bits, 2 ** (bits - 1) - 60, 2 ** (bits - 1)])
    .map((size) => Math.max(0, Math.trunc(size)));
  const messages = sizes.map((size) => ({ key: `${size}`, value: Buffer.alloc(size, 'x'), headers: {} }));
  const { topics } = await decode(encodeProduce(-1, 1, [{ topic: 't', partitions: [{ partition: 0, messages }] }]));
  expect(topics[0]?.partitions[0]?.messages.map(({ value }) => value.length)).toEqual(sizes);
});

test('kafkajs encodes our records with it and every other record by itself', async () => {
  installFastProduce();
  installFastProduce();
  await expect(assertFastProduce()).resolves.toBeUndefined();
  const plain = { key: 'k', value: Buffer.from('v'), headers: {} };
  const encodedBy = async (message: KafkaRecord, version: number) => {
    const { buf, buffer } = await produceRequest(version, {
      acks: -1,
      timeout: 0,
      topicData: [{ topic: 't', partitions: [{ partition: 0, messages: [message] }] }],
    }).request.encode();
    return buf === buffer ? 'ours' : 'kafkajs';
  };
  for (const version of [3, 7])
    expect([await encodedBy(fastRecord(plain), version), await encodedBy(plain, version)]).toEqual(['ours', 'kafkajs']);
});

test('the start-up check fails where kafkajs does not use our encoder', async () => {
  installFastProduce();
  const { requests } = kafkajsInternal('src/protocol/requests/index.js') as {
    requests: { Produce: { protocol: unknown } };
  };
  const ours = requests.Produce.protocol;
  const stock = kafkajsInternal('src/protocol/requests/produce/v7/request.js') as (args: object) => object;
  requests.Produce.protocol = () => (args: object) => ({ request: stock(args), response: undefined });
  try {
    await expect(assertFastProduce()).rejects.toThrow('does not use the encoder');
  } finally {
    requests.Produce.protocol = ours;
  }
});

test('an idle connection of kafkajs sets no timer; one with waiting requests or a throttle does', () => {
  patchIdleTimer();
  interface Queue {
    pending: unknown[];
    throttledUntil: number;
    throttleCheckTimeoutId: unknown;
    scheduleCheckPendingRequests(): void;
    destroy(): void;
  }
  const RequestQueue = kafkajsInternal('src/network/requestQueue/index.js') as new (options: object) => Queue;
  const timerOf = (change: (queue: Queue) => void): boolean => {
    const queue = new RequestQueue({
      logger: {},
      broker: 'b',
      clientId: 'c',
      requestTimeout: 1,
      maxInFlightRequests: 1,
    });
    change(queue);
    queue.scheduleCheckPendingRequests();
    const isSet = queue.throttleCheckTimeoutId !== null;
    queue.destroy();
    return isSet;
  };
  expect(timerOf(() => undefined)).toBe(false);
  expect(timerOf((queue) => queue.pending.push({}))).toBe(true);
  expect(timerOf((queue) => (queue.throttledUntil = Date.now() + 1_000))).toBe(true);
});
