import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '#kit';
import { freePort, serverFiles, silent, startRedis, stateFolder } from '#local';
import type { Redis } from '#local';
import { instant } from '#rules';
import { job, openQueueFixture } from '../kit/queue/queue-fixture.ts';
import type { QueueFixture } from '../kit/queue/queue-fixture.ts';
import { startRedisProxy } from './redis-proxy.ts';
import type { RedisProxy } from './redis-proxy.ts';

jest.setTimeout(180_000);

const OUTAGE_MS = 60_000;
const JOBS = 3_000;
const CONCURRENCY = 10;
/** Jobs that are added at once, and the pause between two times, in ms. */
const BATCH = 20;
const PRODUCE_EVERY_MS = 20;
/** As the sweepers of the services look, in ms, only more often. */
const SWEEP_EVERY_MS = 1_000;
/**
 * Longest time in ms from Redis being back to everything being done. A job that a worker had needs its lock to run out.
 */
const RECOVERY_MS = 60_000;
const ANSWER_MS_MAX = 6_000;
const SCRAPE_MS_MAX = 3_000;

const root = mkdtempSync(join(tmpdir(), 'dakia-redis-outage-'));
const servers: Redis[] = [];
const start = async (name: string): Promise<Redis> => {
  const redis = await startRedis({
    files: await serverFiles(silent),
    folder: stateFolder(root),
    port: await freePort(),
    report: silent,
    name,
  });
  servers.push(redis);
  return redis;
};
let proxy: RedisProxy;
let fixture: QueueFixture;
let redis: Redis;
beforeEach(async () => {
  redis = await start('first');
  proxy = await startRedisProxy(redis.url);
  fixture = await openQueueFixture(proxy.url);
});
afterEach(async () => {
  await fixture.close();
  proxy.close();
  await Promise.all(servers.splice(0).map(({ server }) => server.stop()));
  rmSync(join(root), { recursive: true, force: true });
});

/**
 * Work that comes while Redis fails. What is done stands in `done`,
 * as it stands in Postgres in life; Redis is only told.
 */
const underLoad = async (
  fault: (done: ReadonlySet<string>) => Promise<void>,
): Promise<{ readonly slowestCallMs: number; readonly refusedCalls: number }> => {
  const ids = Array.from({ length: JOBS }, (_, index) => `job-${index}`);
  const known: string[] = [];
  const done = new Set<string>();
  await fixture.startWorker(async ({ id }) => {
    await sleep(1);
    done.add(id);
    return { kind: 'done' };
  }, CONCURRENCY);

  const ended = new AbortController();
  let [slowestCallMs, refusedCalls] = [0, 0];
  const timed = async (call: Promise<void>): Promise<void> => {
    const started = performance.now();
    await call.catch(() => (refusedCalls += 1));
    slowestCallMs = Math.max(slowestCallMs, performance.now() - started);
  };
  const produce = async (): Promise<void> => {
    for (let at = 0; at < JOBS; at += BATCH) {
      const batch = ids.slice(at, at + BATCH);
      known.push(...batch);
      await timed(fixture.queue.add(batch.map((id) => job(id))));
      await sleep(PRODUCE_EVERY_MS);
    }
  };
  const sweep = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      await sleep(SWEEP_EVERY_MS);
      await timed(fixture.queue.renew(known.filter((id) => !done.has(id)).map((id) => job(id))));
    }
  };
  const running = [produce(), sweep()];
  try {
    await eventually('a good part is done', () => done.size > JOBS / 10);
    await fault(done);
    await eventually('every job is done', () => done.size === JOBS, RECOVERY_MS);
  } finally {
    ended.abort();
    await Promise.all(running);
  }
  return { slowestCallMs, refusedCalls };
};

const said = (text: string): number => fixture.logged.filter(({ msg }) => String(msg).includes(text)).length;

test('Redis is killed and away for 60 s: nothing hangs, the worker comes back by itself, and every job is done', async () => {
  const { slowestCallMs, refusedCalls } = await underLoad(async (done) => {
    await redis.server.kill();
    const away = sleep(OUTAGE_MS);
    const doneBefore = done.size;
    const started = performance.now();
    await fixture.registry.metrics();
    expect(performance.now() - started).toBeLessThan(SCRAPE_MS_MAX);
    await away;
    expect(done.size).toBeLessThanOrEqual(doneBefore + CONCURRENCY);
    await redis.server.start();
  });
  expect(refusedCalls).toBeGreaterThan(0);
  expect(slowestCallMs).toBeLessThan(ANSWER_MS_MAX);
  // One line from each side that asks, however many attempts failed.
  expect(said('Redis does not answer')).toBeLessThanOrEqual(2);
  expect(said('Redis answers again')).toBe(said('Redis does not answer'));
  expect(said('it is replaced')).toBe(0);
});

test('fails over to a Redis on another port that has none of the jobs', async () => {
  const second = await start('second');
  await underLoad(async () => {
    await redis.server.kill();
    proxy.leadTo(second.url);
    proxy.cut();
  });
  expect(said('it is replaced')).toBe(0);
});

test('the host vanishes without a word: the connections are given up, and the next ones lead elsewhere', async () => {
  const second = await start('second');
  await underLoad(async () => {
    proxy.leadTo(second.url);
    proxy.silence();
  });
});

test('FLUSHALL in the middle: what is not done is made again', async () => {
  await fixture.queue.add(Array.from({ length: 200 }, (_, index) => job(`job-${index}`, { delayMs: 600_000 })));
  await underLoad(async () => {
    await fixture.redis.flushall();
  });
});

test('a worker that starts before Redis starts at once, and works when Redis is there', async () => {
  await redis.server.kill();
  let runs = 0;
  const started = performance.now();
  const worker = await fixture.startWorker(async () => {
    runs += 1;
    return { kind: 'done' };
  });
  expect(performance.now() - started).toBeLessThan(1_000);
  await fixture.registry.metrics();
  expect(performance.now() - started).toBeLessThan(SCRAPE_MS_MAX);
  await redis.server.start();
  await eventually('a job is taken', async () => fixture.queue.add([job('one')]).then(() => true));
  await eventually('it has run', () => runs === 1);

  await redis.server.kill();
  const stopping = performance.now();
  await worker.stop(instant(Date.now() + 20_000));
  expect(performance.now() - stopping).toBeLessThan(3_000);
  await redis.server.start();
});
