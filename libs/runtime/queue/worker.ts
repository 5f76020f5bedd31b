import { DelayedError, RateLimitError, UnrecoverableError, Worker } from 'bullmq';
import type { Job } from 'bullmq';
import type { Redis } from '#runtime/redis';
import type { Component } from '#runtime/service';
import { openWorkerRedis } from './connection.ts';
import type { JobData, JobOutcome, WorkerOptions } from './contracts.ts';
import { lookAt, REST_COUNT } from './look.ts';
import type { QueueLook } from './look.ts';
import { queueMetricsOf } from './metrics.ts';
import { keyPrefixOf } from './names.ts';
import { REST } from './scripts.ts';

/** When a job whose work threw comes again, in ms. */
export const UNEXPECTED_WAIT_MS = 15_000;
/** How long a job belongs to its worker without a sign of life, in ms, and how often jobs without one are looked for. Together, the longest that a killed worker's job waits. */
const LOCK_MS = 20_000;
const STALLED_EVERY_MS = 10_000;
/** Wait in ms before the next attempt to take a job where the last one failed. */
const RETRY_TAKING_MS = 1_000;
/** Finished jobs are kept this long, in s, and at most this many, so that they can be looked at. */
const KEPT_COMPLETED = { age: 3_600, count: 1_000 };
const KEPT_FAILED = { age: 7 * 86_400, count: 1_000 };
/** BullMQ heeds a rest only where a limiter is set: this one never limits by itself. Its window, in ms, only says when its counter goes. */
const LIMITER = { max: Number.MAX_SAFE_INTEGER, duration: 1_000 };
/** Longest wait in ms for an answer that a scrape or the watchdog needs. */
const LOOK_MS = 2_000;

interface Running {
  readonly worker: Worker<JobData>;
  readonly client: Redis;
}

const within = async <Value>(ms: number, promise: Promise<Value>): Promise<Value | undefined> => {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(late.resolve, ms, undefined);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
};

/** The doing side of a queue: takes the most important job that is due, does it and says what became of it. */
export const createWorker = ({ config, queue, concurrency, work, log, metrics: registry }: WorkerOptions): Component => {
  const metrics = queueMetricsOf(registry);
  const keyPrefix = keyPrefixOf(config.queuePrefix);
  const letGo = new AbortController();
  let running: Running | undefined;

  const run = async (job: Job<JobData>, token: string | undefined, { worker, client }: Running): Promise<void> => {
    const id = job.id ?? '';
    const outcome = await attempt(id, job.data);
    switch (outcome.kind) {
      case 'done':
        return;
      case 'later': {
        const due = Date.now() + Math.round(outcome.afterMs);
        await worker.getBackend().moveToDelayed(id, Date.now(), Math.round(outcome.afterMs), token, { skipAttempt: true, fieldsToUpdate: { due } });
        throw new DelayedError();
      }
      case 'rest':
        await client.eval(REST, 1, worker.toKey('limiter'), REST_COUNT, Math.max(1, Math.round(outcome.afterMs)));
        throw new RateLimitError();
      case 'failed':
        throw new UnrecoverableError(outcome.reason);
    }
  };

  const attempt = async (id: string, data: JobData): Promise<JobOutcome> => {
    try {
      const outcome = await work({ id, data }, letGo.signal);
      if (outcome.kind === 'later' || outcome.kind === 'rest') metrics.count(queue, outcome.kind);
      return outcome;
    } catch (error) {
      metrics.count(queue, 'unexpected');
      log.error({ err: error, queue, job: id, againInMs: UNEXPECTED_WAIT_MS }, 'a job failed unexpectedly; it comes again');
      return { kind: 'later', afterMs: UNEXPECTED_WAIT_MS };
    }
  };

  const open = (): Running => {
    const client = openWorkerRedis(config, queue, log);
    const worker: Worker<JobData> = new Worker<JobData>(queue, async (job, token) => run(job, token, { worker, client }), {
      connection: client,
      prefix: keyPrefix,
      concurrency,
      limiter: LIMITER,
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_EVERY_MS,
      // A job that stalls runs again, as often as it takes: giving up is for the work to decide.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      runRetryDelay: RETRY_TAKING_MS,
      removeOnComplete: KEPT_COMPLETED,
      removeOnFail: KEPT_FAILED,
    });
    worker.on('completed', (job) => {
      metrics.count(queue, 'completed');
      log.debug({ queue, job: job.id }, 'job completed');
    });
    worker.on('failed', (job, error) => {
      metrics.count(queue, 'failed');
      log.warn({ queue, job: job?.id, reason: error.message }, 'job failed for good');
    });
    worker.on('stalled', (id) => {
      metrics.count(queue, 'stalled');
      log.warn({ queue, job: id }, 'job stalled: its worker gave no sign of life, so it runs again');
    });
    worker.on('error', () => undefined);
    return { worker, client };
  };

  const look = async (): Promise<QueueLook | undefined> => {
    if (running?.client.status !== 'ready') return undefined;
    return within(LOOK_MS, lookAt(running.client, keyPrefix, queue).catch(() => undefined));
  };

  let stopScraping = (): void => undefined;
  return {
    name: `worker of ${queue}`,
    start: async () => {
      running = open();
      stopScraping = metrics.onScrape(queue, look);
    },
    stop: async (deadline) => {
      stopScraping();
      if (running === undefined) return;
      const { worker, client } = running;
      await within(Math.max(0, deadline - Date.now()), worker.close());
      letGo.abort();
      await worker.getBackend().close(true);
      client.disconnect();
    },
  };
};
