import { DelayedError, isNotConnectionError, RateLimitError, UnrecoverableError, Worker } from 'bullmq';
import { codeOf } from '#platform/log';
import type { Redis } from '#platform/redis';
import { createThrottle, pause, within } from '#platform/time';
import { openWorkerRedis } from './connection.ts';
import type { JobData, JobOutcome, WorkerOptions } from './contracts.ts';
import { readQueue, REST_COUNT } from './queue-stats.ts';
import type { QueueSnapshot } from './queue-stats.ts';
import type { QueueMetrics } from './metrics.ts';
import { keyPrefixOf } from './names.ts';
import { REST } from './scripts.ts';

/** When a job whose work threw comes again, in ms. */
export const UNEXPECTED_WAIT_MS = 15_000;
/**
 * How long a job belongs to its worker without a sign of life, in ms, and how often jobs without one are looked for.
 * Together, the longest that a killed worker's job waits.
 */
const LOCK_MS = 20_000;
const STALLED_EVERY_MS = 10_000;
/** Wait in ms before the next attempt to take a job where the last one failed. */
const RETRY_TAKING_MS = 1_000;
/** Finished jobs are kept this long, in s, and at most this many, so that they can be looked at. */
export const KEPT_COMPLETED = { age: 3_600, count: 1_000 } as const;
export const KEPT_FAILED = { age: 7 * 86_400, count: 1_000 } as const;
/**
 * BullMQ heeds a rest only where a limiter is set: this one never
 * limits by itself. Its window, in ms, only says when its counter goes.
 */
const LIMITER = { max: Number(REST_COUNT), duration: 1_000 };
/** Longest wait in ms for an answer that a scrape or the watchdog needs. */
const LOOK_MS = 2_000;
/**
 * Pause in ms after Redis refused something (a right is missing, the
 * disk failed): BullMQ would ask again at once, for ever.
 */
const REFUSED_PAUSE_MS = 1_000;
/** Refusals are logged once in this time, in ms. */
const REFUSED_LOG_MS = 30_000;
/** Jobs that were told to let go get this long, in ms, to say what becomes of them. */
const LAST_WORDS_MS = 1_000;

/** One BullMQ worker and its connections; replaced as a whole when it is stuck. */
export interface BullWorker {
  readonly takenAt: () => number;
  readonly isBusy: () => boolean;
  readonly snapshot: () => Promise<QueueSnapshot | undefined>;
  /** Takes nothing more, waits up to `ms` for the jobs under way, then lets go of them: they run again elsewhere. */
  readonly close: (ms: number) => Promise<void>;
}

// oxlint-disable-next-line max-lines-per-function -- one BullMQ worker with all that it is told
export const openBullWorker = (
  { config, queue, concurrency, work, log }: WorkerOptions,
  metrics: QueueMetrics,
): BullWorker => {
  const keyPrefix = keyPrefixOf(config.queuePrefix);
  const client = openWorkerRedis(config, queue, log);
  const letGo = new AbortController();
  const underWay = new Set<Promise<JobOutcome>>();
  let takenAt = performance.now();

  const attempt = async (id: string, data: JobData): Promise<JobOutcome> => {
    try {
      return await work({ id, data }, letGo.signal);
    } catch (error) {
      if (letGo.signal.aborted) return { kind: 'later', afterMs: 0 };
      metrics.count(queue, 'unexpected');
      log.error(
        { code: codeOf('queue', 'job-broke'), err: error, queue, job: id, againInMs: UNEXPECTED_WAIT_MS },
        'a job failed unexpectedly; it comes again',
      );
      return { kind: 'later', afterMs: UNEXPECTED_WAIT_MS };
    }
  };

  const run = async (id: string, data: JobData): Promise<JobOutcome> => {
    const startedAt = performance.now();
    takenAt = startedAt;
    const running = attempt(id, data);
    underWay.add(running);
    try {
      return await running;
    } finally {
      underWay.delete(running);
      metrics.took(queue, (performance.now() - startedAt) / 1000);
    }
  };

  const worker: Worker<JobData> = new Worker<JobData>(
    queue,
    async (job, token) => {
      const id = job.id ?? '';
      const outcome = await run(id, job.data);
      switch (outcome.kind) {
        case 'done':
          return;
        case 'later': {
          const afterMs = Math.max(0, Math.round(outcome.afterMs));
          const now = Date.now();
          await worker
            .getBackend()
            .moveToDelayed(id, now, afterMs, token, { skipAttempt: true, fieldsToUpdate: { due: now + afterMs } });
          metrics.count(queue, 'later');
          throw new DelayedError();
        }
        case 'rest':
          await client.eval(REST, 1, worker.toKey('limiter'), REST_COUNT, Math.max(1, Math.round(outcome.afterMs)));
          metrics.count(queue, 'rest');
          throw new RateLimitError();
        case 'failed':
          throw new UnrecoverableError(outcome.reason);
      }
    },
    {
      connection: client,
      prefix: keyPrefix,
      autorun: false,
      concurrency,
      limiter: LIMITER,
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_EVERY_MS,
      // A job that stalls runs again, as often as it takes: giving up is for the work to decide.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      runRetryDelay: RETRY_TAKING_MS,
      removeOnComplete: KEPT_COMPLETED,
      removeOnFail: KEPT_FAILED,
    },
  );
  worker.on('completed', ({ id }) => {
    metrics.count(queue, 'completed');
    log.debug({ queue, job: id }, 'job completed');
  });
  worker.on('failed', (job, error) => {
    metrics.count(queue, 'failed');
    log.warn({ queue, job: job?.id, reason: error.message }, 'job failed for good');
  });
  worker.on('stalled', (id) => {
    metrics.count(queue, 'stalled');
    log.warn({ queue, job: id }, 'job stalled: its worker gave no sign of life, so it runs again');
  });
  worker.on(
    'error',
    onRefusal(worker, (error, more) =>
      log.warn({ err: error, queue, more }, 'Redis refused something that the worker asked; what is due runs again'),
    ),
  );
  // Only then does it run: a worker whose first question was refused would ask again without a pause, for ever. The
  // watchdog replaces it. After a refusal it may run already: `resume` starts it, too.
  worker
    .waitUntilReady()
    .then(async () => (worker.isRunning() ? undefined : worker.run()))
    .catch((error: unknown) => log.warn({ err: error, queue }, 'the worker cannot work with this Redis'));

  return {
    takenAt: () => takenAt,
    isBusy: () => underWay.size >= concurrency,
    snapshot: async () =>
      client.status === 'ready'
        ? within(
            LOOK_MS,
            readQueue(client, keyPrefix, queue).catch(() => undefined),
          )
        : undefined,
    close: async (ms) => {
      const end = performance.now() + ms;
      const closed = worker.close();
      closed.catch(() => undefined);
      // Without Redis nobody can be told; the jobs themselves are
      // waited for all the same. It may also go while it is waited for.
      await within<unknown>(ms, Promise.race([closed, goneOf(client).then(async () => Promise.allSettled(underWay))]));
      letGo.abort();
      if (underWay.size > 0) await within(Math.min(LAST_WORDS_MS, end + LAST_WORDS_MS - performance.now()), closed);
      await worker.getBackend().close(true);
      client.disconnect();
    },
  };
};

/** Settles when the connection is not there, or not any more. */
const goneOf = async (client: Redis): Promise<void> => {
  if (client.status !== 'ready') return;
  await new Promise<void>((resolve) => void client.once('close', () => resolve()));
};

/**
 * Listens to what a worker could not do. That Redis is away is said by
 * the connection, once; a refusal is logged, and the worker pauses.
 */
const onRefusal = (worker: Worker<JobData>, report: (error: Error, more: number) => void): ((error: Error) => void) => {
  const throttle = createThrottle(REFUSED_LOG_MS);
  let pausing = false;
  return (error) => {
    if (!isNotConnectionError(error) || worker.closing !== undefined) return;
    const more = throttle.admit();
    if (more !== undefined) report(error, more);
    if (pausing) return;
    pausing = true;
    const resume = (): void => {
      pausing = false;
      if (worker.closing === undefined) void worker.resume();
    };
    void worker.pause(true).then(async () => {
      await pause(REFUSED_PAUSE_MS, undefined, { ref: false });
      resume();
    });
  };
};
