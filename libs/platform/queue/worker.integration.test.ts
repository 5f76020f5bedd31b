import { eventually, testServers } from '#kit';
import { instant } from '#rules';
import { job, openCorner } from '../../../test/kit/queue/queue-corner.ts';
import type { QueueCorner } from '../../../test/kit/queue/queue-corner.ts';
import { KEPT_COMPLETED, UNEXPECTED_WAIT_MS } from './bull-worker.ts';

const MINUTE = 60_000;
const REST_MS = 2_000;

let corner: QueueCorner;
beforeEach(async () => {
  corner = await openCorner(testServers().REDIS_URL);
});
afterEach(async () => corner.close());

const counted = async (outcome: string): Promise<number> =>
  Number(
    new RegExp(`dakia_jobs_total\\{queue="retry-test",outcome="${outcome}"\\} (\\d+)`).exec(
      await corner.registry.metrics(),
    )?.[1] ?? 0,
  );

test('later: the job comes again by its time, which is no failure', async () => {
  const ran: string[] = [];
  await corner.startWorker(async ({ id, data }) => {
    ran.push(data['key'] ?? '');
    if (id === 'far') return { kind: 'later', afterMs: MINUTE };
    return ran.filter((key) => key === 'pay_1').length < 3 ? { kind: 'later', afterMs: 20 } : { kind: 'done' };
  });
  await corner.queue.add([job('near', { data: { key: 'pay_1' } }), job('far', { data: { key: 'pay_2' } })]);
  await eventually('the near one is done', async () => (await corner.stats()).completed === 1);
  await eventually('the far one is put off', async () => (await corner.stats()).delayed === 1);
  expect(ran.toSorted()).toEqual(['pay_1', 'pay_1', 'pay_1', 'pay_2']);
  expect(await corner.delayOf('far')).toBeGreaterThan(MINUTE / 2);
  expect(await corner.delayOf('far')).toBeLessThanOrEqual(MINUTE);
  expect(await corner.stats()).toMatchObject({ failed: 0 });
  expect(await counted('later')).toBe(3);
  expect(await counted('completed')).toBe(1);
});

test('rest: no worker takes a job until the rest is over; then the job goes first again, by its priority', async () => {
  const ran: { readonly id: string; readonly at: number }[] = [];
  await corner.queue.add([job('limited', { priority: 2 }), job('same', { priority: 2 }), job('low', { priority: 4 })]);
  await corner.startWorker(async ({ id }) => {
    ran.push({ id, at: performance.now() });
    return ran.length === 1 ? { kind: 'rest', afterMs: REST_MS } : { kind: 'done' };
  });
  const restLeft = (): Promise<number> => corner.redis.pttl(corner.key('limiter'));
  await eventually('it rests', async () => (await restLeft()) > REST_MS / 2);
  await corner.queue.add([job('urgent', { priority: 1 })]);

  const elsewhere: string[] = [];
  const other = await corner.startWorker(async ({ id }) => {
    elsewhere.push(id);
    return { kind: 'done' };
  }, 5);
  await eventually('half of the rest is over', async () => (await restLeft()) < REST_MS / 2);
  await other.stop(instant(Date.now() + 1_000));
  expect(elsewhere).toEqual([]);

  await eventually('all is done', async () => (await corner.stats()).completed === 4);
  const [first, second] = ran;
  expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(REST_MS - 50);
  expect(ran.map(({ id }) => id)).toEqual(['limited', 'urgent', 'limited', 'same', 'low']);
  expect(await corner.stats()).toMatchObject({ failed: 0, delayed: 0 });
  expect(await counted('rest')).toBe(1);
});

test('a short rest does not end a long one', async () => {
  const both = Promise.withResolvers<void>();
  const running = new Set<string>();
  await corner.startWorker(async ({ id }) => {
    running.add(id);
    if (running.size === 2) both.resolve();
    await both.promise;
    if (id === 'long') return { kind: 'rest', afterMs: MINUTE };
    await eventually('the long rest holds', async () => (await corner.redis.pttl(corner.key('limiter'))) > MINUTE / 2);
    return { kind: 'rest', afterMs: 100 };
  }, 2);
  await corner.queue.add([job('long'), job('short')]);
  await eventually(
    'both are back',
    async () => (await corner.stats()).prioritized === 2 && (await corner.stats()).active === 0,
  );
  expect(await corner.redis.pttl(corner.key('limiter'))).toBeGreaterThan(MINUTE / 2);
});

test('failed: for good, kept with its reason, in the log and in the counts', async () => {
  let runs = 0;
  await corner.startWorker(async () => {
    runs += 1;
    return { kind: 'failed', reason: 'the receiver answered 410' };
  });
  await corner.queue.add([job('gone')]);
  await eventually('it has failed', async () => (await corner.stats()).failed === 1);
  await corner.queue.add([job('gone')]);
  expect(await corner.stats()).toMatchObject({ failed: 1, prioritized: 0, delayed: 0 });
  expect(runs).toBe(1);
  expect(await corner.redis.hget(corner.key('gone'), 'failedReason')).toBe('the receiver answered 410');
  expect(await counted('failed')).toBe(1);
  expect(corner.logged).toContainEqual(
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
  await corner.startWorker(async () => {
    runs += 1;
    if (runs < 5) throw new Error('connection terminated');
    return { kind: 'done' };
  });
  await corner.queue.add([job('unlucky', { priority: 1 })]);
  for (let run = 1; run < 5; run += 1) {
    await eventually(`run ${run} is put off`, async () => runs === run && (await corner.delayOf('unlucky')) !== null);
    expect(await corner.delayOf('unlucky')).toBeLessThanOrEqual(UNEXPECTED_WAIT_MS);
    expect(await corner.delayOf('unlucky')).toBeGreaterThan(UNEXPECTED_WAIT_MS - 5_000);
    await corner.queue.renew([job('unlucky')]);
  }
  await eventually('it is done', async () => (await corner.stats()).completed === 1);
  expect(await counted('unexpected')).toBe(4);
  expect(await counted('failed')).toBe(0);
  const lines = corner.logged.filter(({ level }) => level === 'error');
  expect(lines).toHaveLength(4);
  expect(lines[0]).toMatchObject({ job: 'unlucky', queue: 'retry-test', err: { message: 'connection terminated' } });
});

test('finished jobs are trimmed by number and by age', async () => {
  await corner.startWorker(async () => ({ kind: 'done' }), 50);
  const ids = Array.from({ length: KEPT_COMPLETED.count + 200 }, (_, index) => `job-${index}`);
  await corner.queue.add(ids.map((id) => job(id)));
  await eventually('all have run', async () => (await counted('completed')) === ids.length);
  expect((await corner.stats()).completed).toBe(KEPT_COMPLETED.count);

  const [old] = await corner.redis.zrange(corner.key('completed'), '500', '500');
  await corner.redis.zadd(
    corner.key('completed'),
    'XX',
    String(Date.now() - KEPT_COMPLETED.age * 1000 - 1_000),
    old ?? '',
  );
  await corner.redis.zremrangebyrank(corner.key('completed'), 1, 200);
  await corner.queue.add([job('one-more')]);
  await eventually('the old one is gone', async () => (await corner.redis.exists(corner.key(old ?? ''))) === 0);
});

test('a scrape shows the jobs of each queue by state', async () => {
  await corner.queue.add([job('later', { delayMs: MINUTE })]);
  const release = Promise.withResolvers<void>();
  await corner.startWorker(async () => {
    await release.promise;
    return { kind: 'done' };
  });
  await corner.queue.add([job('one'), job('two')]);
  await eventually('one runs', async () => (await corner.stats()).active === 1);
  const scraped = await eventually('it is seen', async () => {
    const text = await corner.registry.metrics();
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
    const worker = await corner.startWorker(async ({ id }, signal) => {
      ran.push(id);
      await release.promise;
      told.push(signal.aborted);
      return { kind: 'done' };
    });
    await corner.queue.add([job('under-way'), job('next')]);
    await eventually('one runs', () => ran.length === 1);
    const stopping = worker.stop(instant(Date.now() + 10_000));
    await corner.stats();
    release.resolve();
    await stopping;
    expect(ran).toEqual(['under-way']);
    expect(told).toEqual([false]);
    expect(await corner.stats()).toMatchObject({ completed: 1, active: 0, prioritized: 1 });
  });

  test('lets go at the deadline, and a job that listens goes back at once', async () => {
    const worker = await corner.startWorker(async ({ id }, signal) => {
      await new Promise<void>((resolve) => {
        if (id === 'listens') signal.addEventListener('abort', () => resolve());
      });
      throw new Error('cut off');
    }, 2);
    await corner.queue.add([job('listens'), job('deaf')]);
    await eventually('both run', async () => (await corner.stats()).active === 2);
    const started = performance.now();
    await worker.stop(instant(Date.now() + 500));
    expect(performance.now() - started).toBeLessThan(3_000);
    expect(await corner.stats()).toMatchObject({ active: 1, delayed: 1 });
    expect(corner.logged.filter(({ level }) => level === 'error')).toEqual([]);
  });
});
