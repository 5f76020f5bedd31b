import { randomBytes } from 'node:crypto';
import promClient from 'prom-client';
import type { Registry } from 'prom-client';
import type { Current } from '#platform/config';
import { createLogger } from '#platform/log';
import type { Logger } from '#platform/log';
import { createWorker, getQueueStats, openQueue } from '#platform/queue';
import type { Job, JobData, JobOutcome, JobQueue, QueueConfig, QueueStats } from '#platform/queue';
import { createRedis, untilReady } from '#platform/redis';
import type { Redis } from '#platform/redis';
import type { Component } from '#platform/service';
import { instant } from '#rules';
import { keyPrefixOf } from '../../../libs/platform/queue/names.ts';

export type Work = (job: { readonly id: string; readonly data: JobData }, signal: AbortSignal) => Promise<JobOutcome>;
type LogLine = Readonly<Record<string, unknown>>;

/** Workers have this long, in ms, to stop at the end of a test. */
const STOP_MS = 5_000;
const QUEUE = 'retry-test';

/** A queue that nobody else uses, with everything a test needs around it. */
export interface QueueFixture {
  readonly config: QueueConfig;
  readonly queueName: string;
  readonly queue: JobQueue;
  readonly redis: Redis;
  readonly registry: Registry;
  readonly log: Logger;
  readonly logged: readonly LogLine[];
  /** The full name of one of the queue's keys. */
  readonly key: (part: string) => string;
  readonly stats: () => Promise<QueueStats>;
  /** When a delayed job runs, in ms from now; null when it is not delayed. */
  readonly delayOf: (id: string) => Promise<number | null>;
  readonly startWorker: (work: Work, concurrency?: number) => Promise<Component>;
  readonly close: () => Promise<void>;
}

/** A namespace of the Redis at `url`, whose certificate `authority` has signed. */
export const openQueueFixture = async (url: string | Current<string>, authority?: string): Promise<QueueFixture> => {
  const config: QueueConfig = {
    redisUrl: typeof url === 'string' ? () => url : url,
    redisTlsCaFile: () => authority,
    queuePrefix: `test-${randomBytes(5).toString('hex')}`,
  };
  const logged: LogLine[] = [];
  const log = createLogger('test', 'debug', { write: (line) => void logged.push(JSON.parse(line) as LogLine) });
  const redis = createRedis(config, { commandTimeout: STOP_MS });
  redis.on('error', () => undefined);
  await untilReady(redis, STOP_MS);
  const registry = new promClient.Registry();
  const workers: Component[] = [];
  const queue = openQueue(config, QUEUE, log);
  const key = (part: string): string => `${keyPrefixOf(config.queuePrefix)}:${QUEUE}:${part}`;
  return {
    config,
    queueName: QUEUE,
    queue,
    redis,
    registry,
    log,
    logged,
    key,
    stats: async () => {
      const [stats] = await getQueueStats(config, [QUEUE]);
      if (stats === undefined) throw new Error('no stats');
      return stats;
    },
    delayOf: async (id) => {
      const score = await redis.zscore(key('delayed'), id);
      return score === null ? null : Math.floor(Number(score) / 4096) - Date.now();
    },
    startWorker: async (work, concurrency = 1) => {
      const worker = createWorker({ config, queue: QUEUE, concurrency, work, log, metrics: registry });
      workers.push(worker);
      await worker.start();
      return worker;
    },
    close: async () => {
      await Promise.all(workers.map((worker) => worker.stop(instant(Date.now() + STOP_MS))));
      await queue.close();
      const keys = await redis.keys(`${keyPrefixOf(config.queuePrefix)}:*`).catch(() => []);
      if (keys.length > 0) await redis.del(keys);
      redis.disconnect();
    },
  };
};

export const job = (id: string, given: Partial<Job> = {}): Job => ({
  id,
  data: { id },
  priority: 4,
  delayMs: 0,
  ...given,
});
