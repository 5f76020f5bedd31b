import type { Job } from '#platform/queue';
import { createRetryBell } from './schedule-retry.ts';

const keys = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => ({
    family: 'payments' as const,
    key: `pay_${from + index}`,
    afterMs: 5,
  }));

/** A queue whose answers the test gives. */
const heldQueue = () => {
  const calls: { readonly jobs: readonly Job[]; readonly answer: (error?: Error) => void }[] = [];
  return {
    calls,
    renew: (jobs: readonly Job[]) =>
      new Promise<void>(
        (resolve, reject) =>
          void calls.push({ jobs, answer: (error) => (error === undefined ? resolve() : reject(error)) }),
      ),
  };
};
const settled = () => new Promise((resolve) => setImmediate(resolve));
const log = { debug: () => undefined };

test('what is parked while Redis is asked goes with the next call, in order', async () => {
  const queue = heldQueue();
  const bell = createRetryBell(queue, log);
  bell.ring(keys(0, 1));
  bell.ring(keys(1, 2));
  bell.ring(keys(3, 1));
  expect(queue.calls).toHaveLength(1);
  queue.calls[0]?.answer();
  await settled();
  expect(queue.calls.map(({ jobs }) => jobs.map(({ data }) => data['key']))).toEqual([
    ['pay_0'],
    ['pay_1', 'pay_2', 'pay_3'],
  ]);
  queue.calls[1]?.answer();
  await settled();
  bell.ring(keys(9, 1));
  expect(queue.calls).toHaveLength(3);
});

test('while Redis is away nothing is kept and nothing is thrown', async () => {
  const queue = heldQueue();
  const bell = createRetryBell(queue, log);
  bell.ring(keys(0, 1));
  queue.calls[0]?.answer(new Error('Redis is away'));
  await settled();
  bell.ring(keys(1, 1));
  expect(queue.calls[1]?.jobs.map(({ data }) => data['key'])).toEqual(['pay_1']);
});

test('a Redis that does not answer costs no more memory than 10 000 keys', async () => {
  const queue = heldQueue();
  const bell = createRetryBell(queue, log);
  for (let batch = 0; batch < 300; batch++) bell.ring(keys(batch * 100, 100));
  expect(queue.calls).toHaveLength(1);
  queue.calls[0]?.answer();
  await settled();
  expect(queue.calls[1]?.jobs).toHaveLength(10_000);
  queue.calls[1]?.answer();
  await settled();
  expect(queue.calls).toHaveLength(2);
});

test('a batch that parked nothing asks nobody', () => {
  const queue = heldQueue();
  createRetryBell(queue, log).ring([]);
  expect(queue.calls).toHaveLength(0);
});
