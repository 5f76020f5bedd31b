import type { PublishOutcome } from '../contracts.ts';
import { createBatcher, PUBLISH_DEADLINE_MS } from './batcher.ts';
import type { BatcherObserver, TopicBatch } from './batcher.ts';

const record = (bytes = 10) => ({ key: 'k', value: Buffer.alloc(bytes), headers: {} });
const silent: BatcherObserver = { sent: () => undefined, settled: () => undefined };

interface Sent {
  readonly batch: readonly TopicBatch[];
  readonly succeed: () => void;
  readonly fail: () => void;
}

/** A batcher in front of sends that the test settles by hand. */
const setUp = (observer = silent) => {
  const sends: Sent[] = [];
  const batcher = createBatcher(
    (batch) =>
      new Promise((resolve, reject) =>
        sends.push({ batch, succeed: resolve, fail: () => reject(new Error('failed')) }),
      ),
    observer,
  );
  const outcomes: PublishOutcome[] = [];
  const publish = (count = 1, topic = 't', bytes?: number): void => {
    for (let i = 0; i < count; i++)
      void batcher.publish(topic, record(bytes)).then((outcome) => outcomes.push(outcome));
  };
  const counted = () =>
    Object.fromEntries(
      ['durable', 'overloaded', 'unknown'].map((outcome) => [
        outcome,
        outcomes.filter((each) => each === outcome).length,
      ]),
    );
  const sizes = () => sends.map(({ batch }) => batch.reduce((sum, { messages }) => sum + messages.length, 0));
  return { batcher, sends, publish, counted, sizes };
};
const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test('records of a moment go together, by topic, and are durable when the send is', async () => {
  const { sends, publish, counted } = setUp();
  publish(3, 'a');
  publish(2, 'b');
  expect(sends).toHaveLength(0);
  await pass(0);
  expect(sends[0]?.batch.map(({ topic, messages }) => [topic, messages.length])).toEqual([
    ['a', 3],
    ['b', 2],
  ]);
  expect(counted()).toEqual({ durable: 0, overloaded: 0, unknown: 0 });
  sends[0]?.succeed();
  await pass(0);
  expect(counted()).toEqual({ durable: 5, overloaded: 0, unknown: 0 });
});

test('with nothing under way a record goes at once; meanwhile others gather, and go when it is answered', async () => {
  const { sends, publish, sizes } = setUp();
  publish();
  await pass(0);
  expect(sizes()).toEqual([1]);
  publish(2);
  await pass(2);
  publish(3);
  await pass(2);
  expect(sizes()).toEqual([1]);
  sends[0]?.succeed();
  await pass(0);
  expect(sizes()).toEqual([1, 5]);
});

test('what gathers behind a slow send waits for it 5 ms at most', async () => {
  const { publish, sizes } = setUp();
  publish();
  await pass(0);
  publish(2);
  await pass(4);
  expect(sizes()).toEqual([1]);
  await pass(1);
  expect(sizes()).toEqual([1, 2]);
});

test('a failed send makes its records unknown, and is not repeated', async () => {
  const { sends, publish, counted } = setUp();
  publish(3);
  await pass(5);
  sends[0]?.fail();
  await pass(60_000);
  expect(counted()).toEqual({ durable: 0, overloaded: 0, unknown: 3 });
  expect(sends).toHaveLength(1);
});

test('a full batch goes at once; at most four are on their way, and then batches grow', async () => {
  const { sends, publish, sizes } = setUp();
  publish(200);
  expect(sizes()).toEqual([200]);
  for (let i = 0; i < 5; i++) {
    publish(10);
    await pass(5);
  }
  expect(sizes()).toEqual([200, 10, 10, 10]);
  sends[0]?.succeed();
  await pass(0);
  expect(sizes()).toEqual([200, 10, 10, 10, 20]);
});

test('a batch is bounded in bytes; a larger record goes alone', async () => {
  const { publish, sizes } = setUp();
  publish(5, 't', 200 * 1024);
  publish(1, 't', 1024 * 1024);
  await pass(5);
  expect(sizes()).toEqual([2, 2, 1, 1]);
});

test('when nothing settles every record is answered within the deadline, and no more are taken in', async () => {
  const { batcher, sends, publish, counted, sizes } = setUp();
  for (let i = 0; i < 5; i++) {
    publish(10);
    await pass(5);
  }
  expect(sizes()).toEqual([10, 10, 10, 10]);
  await pass(1_000);
  expect(batcher.reluctance()).toBe('stalled');
  publish(7);
  await pass(0);
  expect(counted()).toEqual({ durable: 0, overloaded: 7, unknown: 0 });
  await pass(PUBLISH_DEADLINE_MS - 1_000);
  // What was on its way is unknown; what waited behind it was never sent.
  expect(counted()).toEqual({ durable: 0, overloaded: 17, unknown: 40 });
  expect(batcher.load()).toMatchObject({ records: 0, bytes: 0, batches: 4, circuitOpen: true });
  expect(sends).toHaveLength(4);
});

test('after failures in a row nothing is tried but one record a second; a success ends it', async () => {
  const { batcher, sends, publish, counted } = setUp();
  for (let i = 0; i < 4; i++) {
    publish();
    await pass(5);
    sends[i]?.fail();
    await pass(0);
  }
  expect(batcher.reluctance()).toBe('kafka-down');
  publish(5);
  await pass(999);
  expect(counted()).toEqual({ durable: 0, overloaded: 5, unknown: 4 });
  await pass(1);
  publish(5);
  await pass(5);
  expect(sends).toHaveLength(5);
  expect(counted()).toEqual({ durable: 0, overloaded: 9, unknown: 4 });
  sends[4]?.succeed();
  await pass(0);
  expect(batcher.reluctance()).toBeUndefined();
});

test('an answer that comes late still shows that Kafka is there', async () => {
  const results: string[] = [];
  const { batcher, sends, publish, counted } = setUp({
    sent: () => undefined,
    settled: (result) => results.push(result),
  });
  for (let i = 0; i < 4; i++) {
    publish();
    await pass(5);
  }
  await pass(PUBLISH_DEADLINE_MS);
  expect(batcher.load().circuitOpen).toBe(true);
  sends[0]?.succeed();
  await pass(0);
  expect(batcher.load().circuitOpen).toBe(false);
  expect([counted(), results]).toEqual([{ durable: 0, overloaded: 0, unknown: 4 }, ['late', 'late', 'late', 'late']]);
});

test('a clock that is set back an hour refuses and loses nothing', async () => {
  const { batcher, sends, publish, counted } = setUp();
  for (let i = 0; i < 4; i++) {
    publish();
    await pass(0);
    sends[i]?.fail();
    await pass(0);
  }
  expect(batcher.reluctance()).toBe('kafka-down');
  jest.setSystemTime(Date.now() - 3_600_000);
  await pass(1_000);
  publish();
  await pass(0);
  sends[4]?.succeed();
  await pass(0);
  publish(2);
  await pass(0);
  sends[5]?.succeed();
  await pass(0);
  expect(counted()).toEqual({ durable: 3, overloaded: 0, unknown: 4 });
});

test('what is taken in is bounded in number and in bytes', async () => {
  const many = setUp();
  many.publish(10_001);
  await pass(0);
  expect(many.counted()).toMatchObject({ overloaded: 1 });
  const large = setUp();
  large.publish(65, 't', 1024 * 1024);
  await pass(0);
  expect(large.counted()).toMatchObject({ overloaded: 1 });
  expect(large.batcher.reluctance()).toBe('queue-full');
});

test('closing sends what waits, takes nothing more in, and ends when all is answered', async () => {
  const { batcher, sends, publish, counted } = setUp();
  publish(3);
  const closed = batcher.close();
  publish(2);
  await pass(0);
  expect(sends).toHaveLength(1);
  expect(counted()).toEqual({ durable: 0, overloaded: 2, unknown: 0 });
  sends[0]?.succeed();
  await closed;
  expect(counted()).toEqual({ durable: 3, overloaded: 2, unknown: 0 });
  expect(jest.getTimerCount()).toBe(0);
});

test('closing ends at the deadline when nothing settles', async () => {
  const { batcher, publish, counted } = setUp();
  publish(3);
  const closed = batcher.close();
  await pass(PUBLISH_DEADLINE_MS);
  await closed;
  expect(counted()).toEqual({ durable: 0, overloaded: 0, unknown: 3 });
});
