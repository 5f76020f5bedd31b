import type { Job } from '#platform/queue';
import { createRetryScheduler } from './schedule-retry.ts';

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
  const scheduler = createRetryScheduler(queue, log);
  scheduler.schedule(keys(0, 1));
  scheduler.schedule(keys(1, 2));
  scheduler.schedule(keys(3, 1));
  expect(queue.calls).toHaveLength(1);
  queue.calls[0]?.answer();
  await settled();
  expect(queue.calls.map(({ jobs }) => jobs.map(({ data }) => data['key']))).toEqual([
    ['pay_0'],
    ['pay_1', 'pay_2', 'pay_3'],
  ]);
  queue.calls[1]?.answer();
  await settled();
  scheduler.schedule(keys(9, 1));
  expect(queue.calls).toHaveLength(3);
});

test('while Redis is away nothing is kept and nothing is thrown', async () => {
  const queue = heldQueue();
  const scheduler = createRetryScheduler(queue, log);
  scheduler.schedule(keys(0, 1));
  queue.calls[0]?.answer(new Error('Redis is away'));
  await settled();
  scheduler.schedule(keys(1, 1));
  expect(queue.calls[1]?.jobs.map(({ data }) => data['key'])).toEqual(['pay_1']);
});

test('a Redis that does not answer costs no more memory than 10 000 keys', async () => {
  const queue = heldQueue();
  const scheduler = createRetryScheduler(queue, log);
  for (let batch = 0; batch < 300; batch++) scheduler.schedule(keys(batch * 100, 100));
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
  createRetryScheduler(queue, log).schedule([]);
  expect(queue.calls).toHaveLength(0);
});
