import { Worker } from 'bullmq';
import { eventually, testServers } from '#kit';
import type { JobOutcome } from '#platform/queue';
import { instant } from '#rules';
import { STUCK_AFTER_MS } from '../../libs/platform/queue/stuck-check.ts';
import { job, openQueueFixture } from '../kit/queue/queue-fixture.ts';
import type { QueueFixture } from '../kit/queue/queue-fixture.ts';

/** A lock must run out, and a watchdog must have waited. */
jest.setTimeout(120_000);
const NOTICED_MS = 60_000;

let fixture: QueueFixture;
/** Ends what a test has left waiting: BullMQ keeps the process alive for the sake of it. */
let letGo = (): void => undefined;
beforeEach(async () => {
  fixture = await openQueueFixture(testServers().REDIS_URL);
});
afterEach(async () => {
  letGo();
  await fixture.close();
});

test('the jobs of a worker that ended without a word run again, however often that happens', async () => {
  const ran: string[] = [];
  const atTheEnd = Promise.withResolvers<JobOutcome>();
  letGo = () => atTheEnd.resolve({ kind: 'done' });
  await fixture.queue.add([job('unlucky')]);
  for (let life = 1; life <= 2; life += 1) {
    // As after kill -9: the job is with a worker, and nobody says what became of it.
    const worker = await fixture.startWorker(async ({ id }) => {
      ran.push(id);
      return atTheEnd.promise;
    });
    await eventually(`life ${life} has the job`, () => ran.length === life, NOTICED_MS);
    await worker.stop(instant(Date.now()));
  }
  await fixture.startWorker(async ({ id }) => {
    ran.push(id);
    return { kind: 'done' };
  });
  await eventually('it is done', async () => (await fixture.stats()).completed === 1, NOTICED_MS);
  expect(ran).toHaveLength(3);
  expect(fixture.logged.filter(({ msg }) => String(msg).startsWith('job stalled')).length).toBe(2);
  expect(await fixture.registry.metrics()).toContain('dakia_jobs_total{queue="retry-test",outcome="stalled"} 2');
});

test('a worker that stops taking jobs and says nothing is replaced, and the jobs that it still has are not lost', async () => {
  // The fault of taskforcesh/bullmq #3088: the loop that takes jobs waits for something that never comes.
  const healthy: unknown = Reflect.get(Worker.prototype, '_getNextJob');
  if (typeof healthy !== 'function') throw new Error('BullMQ names it differently now');
  const faulty = new WeakSet<object>();
  let isFaulty = false;
  let stuck = 0;
  const never = Promise.withResolvers<undefined>();
  letGo = () => never.resolve(undefined);
  Reflect.set(Worker.prototype, '_getNextJob', function (this: object, ...given: readonly unknown[]): unknown {
    if (isFaulty) faulty.add(this);
    if (!faulty.has(this)) return Reflect.apply(healthy, this, given) as unknown;
    stuck += 1;
    return never.promise;
  });
  try {
    const ran: string[] = [];
    const release = Promise.withResolvers<void>();
    await fixture.startWorker(async ({ id }) => {
      ran.push(id);
      if (id === 'slow') await release.promise;
      return { kind: 'done' };
    }, 2);
    await fixture.queue.add([job('slow')]);
    await eventually('the first one runs', () => ran.length === 1);
    isFaulty = true;
    await fixture.queue.add([job('kick')]);
    // Whether it has taken this job before or not.
    await eventually('the loop is stuck', () => stuck > 0);
    isFaulty = false;
    await fixture.queue.add([job('next'), job('after')]);
    await eventually(
      'the others have run',
      () => ran.includes('next') && ran.includes('after'),
      STUCK_AFTER_MS + NOTICED_MS,
    );
    expect(fixture.logged.filter(({ msg }) => String(msg).includes('it is replaced'))).toHaveLength(1);
    release.resolve();
    await eventually('all are done', async () => (await fixture.stats()).completed === 4);
    expect(ran.toSorted()).toEqual(['after', 'kick', 'next', 'slow']);
  } finally {
    Reflect.set(Worker.prototype, '_getNextJob', healthy);
  }
});
