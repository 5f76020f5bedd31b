import type { WaitingKey } from '#apply';
import type { Logger } from '#platform/log';
import type { JobQueue } from '#platform/queue';
import { retryJob } from './retry-queue.ts';

/**
 * Keys that wait to be told to Redis, at most. What is more is left
 * to the sweeper, as is everything while Redis is away.
 */
const WAITING_KEYS_MAX = 10_000;

/** Sets the alarms of keys that were parked just now. Postgres has them all; an alarm that is lost costs time. */
export interface RetryScheduler {
  /** Returns at once and never throws: a batch does not wait for Redis. */
  readonly schedule: (keys: readonly WaitingKey[]) => void;
}

export const createRetryScheduler = (queue: Pick<JobQueue, 'renew'>, log: Pick<Logger, 'debug'>): RetryScheduler => {
  let waiting: WaitingKey[] = [];
  let scheduling = false;

  /** One call to Redis at a time; what comes meanwhile goes with the next. */
  const scheduleAll = async (): Promise<void> => {
    scheduling = true;
    while (waiting.length > 0) {
      const keys = waiting;
      waiting = [];
      try {
        await queue.renew(keys.map(retryJob));
      } catch (error) {
        // The connection says that Redis is away, the sweeper what else is wrong.
        log.debug({ err: error, keys: keys.length }, 'parked entities could not be told to Redis; the sweeper does it');
      }
    }
    scheduling = false;
  };

  return {
    schedule: (keys) => {
      waiting.push(...keys.slice(0, WAITING_KEYS_MAX - waiting.length));
      if (!scheduling) void scheduleAll();
    },
  };
};
