import { eventually, testServers } from '#kit';
import { instant } from '#rules';
import { job, openQueueFixture } from '../../../test/kit/queue/queue-fixture.ts';
import type { QueueFixture } from '../../../test/kit/queue/queue-fixture.ts';
import { KEPT_COMPLETED, UNEXPECTED_WAIT_MS } from './bull-worker.ts';

/** Thousands of jobs, on a machine that does other things as well. */
jest.setTimeout(30_000);

const MINUTE = 60_000;
const REST_MS = 2_000;

let fixture: QueueFixture;
beforeEach(async () => {
  fixture = await openQueueFixture(testServers().REDIS_URL);
});
afterEach(async () => fixture.close());

const counted = async (outcome: string): Promise<number> =>
  Number(
    new RegExp(`dakia_jobs_total\\{queue="retry-test",outcome="${outcome}"\\} (\\d+)`).exec(
      await fixture.registry.metrics(),
    )?.[1] ?? 0,
  );

test('later: the job comes again by its time, which is no failure', async () => {
  const ran: string[] = [];
  await fixture.startWorker(async ({ id, data }) => {
    ran.push(data['key'] ?? '');
    if (id === 'far') return { kind: 'later', afterMs: MINUTE };
    return ran.filter((key) => key === 'pay_1').length < 3 ? { kind: 'later', afterMs: 20 } : { kind: 'done' };
  });
  await fixture.queue.add([job('near', { data: { key: 'pay_1' } }), job('far', { data: { key: 'pay_2' } })]);
  await eventually('the near one is done', async () => (await fixture.stats()).completed === 1);
  await eventually('the far one is put off', async () => (await fixture.stats()).delayed === 1);
  expect(ran.toSorted()).toEqual(['pay_1', 'pay_1', 'pay_1', 'pay_2']);
  expect(await fixture.delayOf('far')).toBeGreaterThan(MINUTE / 2);
  expect(await fixture.delayOf('far')).toBeLessThanOrEqual(MINUTE);
  expect(await fixture.stats()).toMatchObject({ failed: 0 });
  expect(await counted('later')).toBe(3);
  expect(await counted('completed')).toBe(1);
});

test('rest: no worker takes a job until the rest is over; then the job goes first again, by its priority', async () => {
  const ran: { readonly id: string; readonly at: number }[] = [];
  await fixture.queue.add([job('limited', { priority: 2 }), job('same', { priority: 2 }), job('low', { priority: 4 })]);
  await fixture.startWorker(async ({ id }) => {
    ran.push({ id, at: performance.now() });
    return ran.length === 1 ? { kind: 'rest', afterMs: REST_MS } : { kind: 'done' };
  });
  const restLeft = (): Promise<number> => fixture.redis.pttl(fixture.key('limiter'));
  await eventually('it rests', async () => (await restLeft()) > REST_MS / 2);
  await fixture.queue.add([job('urgent', { priority: 1 })]);

  const elsewhere: string[] = [];
  const other = await fixture.startWorker(async ({ id }) => {
    elsewhere.push(id);
    return { kind: 'done' };
  }, 5);
  await eventually('half of the rest is over', async () => (await restLeft()) < REST_MS / 2);
  await other.stop(instant(Date.now() + 1_000));
  expect(elsewhere).toEqual([]);

  await eventually('all is done', async () => (await fixture.stats()).completed === 4);
  const [first, second] = ran;
  expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(REST_MS - 50);
  expect(ran.map(({ id }) => id)).toEqual(['limited', 'urgent', 'limited', 'same', 'low']);
  expect(await fixture.stats()).toMatchObject({ failed: 0, delayed: 0 });
  expect(await counted('rest')).toBe(1);
});

test('a short rest does not end a long one', async () => {
  const both = Promise.withResolvers<void>();
  const running = new Set<string>();
  await fixture.startWorker(async ({ id }) => {
    running.add(id);
    if (running.size === 2) both.resolve();
    await both.promise;
    if (id === 'long') return { kind: 'rest', afterMs: MINUTE };
    await eventually(
      'the long rest holds',
      async () => (await fixture.redis.pttl(fixture.key('limiter'))) > MINUTE / 2,
    );
    return { kind: 'rest', afterMs: 100 };
  }, 2);
  await fixture.queue.add([job('long'), job('short')]);
  await eventually(
    'both are back',
    async () => (await fixture.stats()).prioritized === 2 && (await fixture.stats()).active === 0,
  );
  expect(await fixture.redis.pttl(fixture.key('limiter'))).toBeGreaterThan(MINUTE / 2);
});

test('failed: for good, kept with its reason, in the log and in the counts', async () => {
  let runs = 0;
  await fixture.startWorker(async () => {
    runs += 1;
    return { kind: 'failed', reason: 'the receiver answered 410' };
  });
  await fixture.queue.add([job('gone')]);
  await eventually('it has failed', async () => (await fixture.stats()).failed === 1);
  await fixture.queue.add([job('gone')]);
  expect(await fixture.stats()).toMatchObject({ failed: 1, prioritized: 0, delayed: 0 });
  expect(runs).toBe(1);
  expect(await fixture.redis.hget(fixture.key('gone'), 'failedReason')).toBe('the receiver answered 410');
  expect(await counted('failed')).toBe(1);
  expect(fixture.logged).toContainEqual(
    expect.objectContaining({
      level: 'warn',
      queue: 'retry-test',
      job: 'gone',
      reason: 'the receiver answered 410',
      msg: 'job failed for good',
    }),
  );
});

test('an unexpected error is logged with the id, and the job comes again however often', async () => {
  let runs = 0;
  await fixture.startWorker(async () => {
    runs += 1;
    if (runs < 5) throw new Error(`connection ${runs} terminated`);
    return { kind: 'done' };
  });
  await fixture.queue.add([job('unlucky', { priority: 1 })]);
  for (let run = 1; run < 5; run += 1) {
    await eventually(`run ${run} is put off`, async () => runs === run && (await fixture.delayOf('unlucky')) !== null);
    expect(await fixture.delayOf('unlucky')).toBeLessThanOrEqual(UNEXPECTED_WAIT_MS);
    expect(await fixture.delayOf('unlucky')).toBeGreaterThan(UNEXPECTED_WAIT_MS - 5_000);
    await fixture.queue.renew([job('unlucky')]);
  }
  await eventually('it is done', async () => (await fixture.stats()).completed === 1);
  expect(await counted('unexpected')).toBe(4);
  expect(await counted('failed')).toBe(0);
  const lines = fixture.logged.filter(({ level }) => level === 'error');
  expect(lines).toHaveLength(4);
  expect(lines[0]).toMatchObject({ job: 'unlucky', queue: 'retry-test', err: { message: 'connection 1 terminated' } });
});

test('finished jobs are trimmed by number and by age', async () => {
  await fixture.startWorker(async () => ({ kind: 'done' }), 50);
  const ids = Array.from({ length: KEPT_COMPLETED.count + 200 }, (_, index) => `job-${index}`);
  await fixture.queue.add(ids.map((id) => job(id)));
  await eventually('all have run', async () => (await counted('completed')) === ids.length);
  expect((await fixture.stats()).completed).toBe(KEPT_COMPLETED.count);

  const [old] = await fixture.redis.zrange(fixture.key('completed'), '500', '500');
  await fixture.redis.zadd(
    fixture.key('completed'),
    'XX',
    String(Date.now() - KEPT_COMPLETED.age * 1000 - 1_000),
    old ?? '',
  );
  await fixture.redis.zremrangebyrank(fixture.key('completed'), 1, 200);
  await fixture.queue.add([job('one-more')]);
  await eventually('the old one is gone', async () => (await fixture.redis.exists(fixture.key(old ?? ''))) === 0);
});

test('a scrape shows the jobs of each queue by state', async () => {
  await fixture.queue.add([job('later', { delayMs: MINUTE })]);
  const release = Promise.withResolvers<void>();
  await fixture.startWorker(async () => {
    await release.promise;
    return { kind: 'done' };
  });
  await fixture.queue.add([job('one'), job('two')]);
  await eventually('one runs', async () => (await fixture.stats()).active === 1);
  const scraped = await eventually('it is seen', async () => {
    const text = await fixture.registry.metrics();
    return text.includes('state="active"} 1') && text;
  });
  expect(scraped).toContain('dakia_queue_jobs{queue="retry-test",state="prioritized"} 1');
  expect(scraped).toContain('dakia_queue_jobs{queue="retry-test",state="delayed"} 1');
  expect(Number(/dakia_queue_oldest_seconds\{queue="retry-test"\} (\S+)/.exec(scraped)?.[1])).toBeGreaterThan(0);
  release.resolve();
});

describe('stopping', () => {
  test('waits for the jobs under way and takes no other', async () => {
    const release = Promise.withResolvers<void>();
    const ran: string[] = [];
    const told: boolean[] = [];
    const worker = await fixture.startWorker(async ({ id }, signal) => {
      ran.push(id);
      await release.promise;
      told.push(signal.aborted);
      return { kind: 'done' };
    });
    await fixture.queue.add([job('under-way'), job('next')]);
    await eventually('one runs', () => ran.length === 1);
    const stopping = worker.stop(instant(Date.now() + 10_000));
    await fixture.stats();
    release.resolve();
    await stopping;
    expect(ran).toEqual(['under-way']);
    expect(told).toEqual([false]);
    expect(await fixture.stats()).toMatchObject({ completed: 1, active: 0, prioritized: 1 });
  });

  test('lets go at the deadline, and a job that listens goes back at once', async () => {
    const worker = await fixture.startWorker(async ({ id }, signal) => {
      await new Promise<void>((resolve) => {
        if (id === 'listens') signal.addEventListener('abort', () => resolve());
      });
      throw new Error('cut off');
    }, 2);
    await fixture.queue.add([job('listens'), job('stuck')]);
    await eventually('both run', async () => (await fixture.stats()).active === 2);
    const started = performance.now();
    await worker.stop(instant(Date.now() + 500));
    expect(performance.now() - started).toBeLessThan(3_000);
    expect(await fixture.stats()).toMatchObject({ active: 1, delayed: 1 });
    expect(fixture.logged.filter(({ level }) => level === 'error')).toEqual([]);
  });
});
