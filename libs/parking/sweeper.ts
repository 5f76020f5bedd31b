import type { Logger } from '#platform/log';
import type { Database } from '#platform/postgres';
import { createOverdueSweep, OVERDUE_MS } from '#platform/queue';
import type { JobQueue } from '#platform/queue';
import type { Component } from '#platform/service';
import { createPeriodic } from '#platform/time';
import { dueParked } from './due-parked.ts';
import type { DueKey } from './due-parked.ts';
import { retryJob } from './retry-queue.ts';

export interface SweeperOptions {
  readonly database: Database;
  readonly group: string;
  readonly queue: Pick<JobQueue, 'renew'>;
  readonly log: Logger;
  readonly everyMs: number;
}

/**
 * Gives a job to every parked key whose time has passed, at start and then again and again: what Redis has lost comes
 * back from here. A key that has one is left alone. While Postgres or Redis is away it tries again every few seconds.
 */
export const createSweeper = ({ database, group, queue, log, everyMs }: SweeperOptions): Component =>
  createPeriodic({
    name: 'sweeper of parked entities',
    everyMs,
    log,
    work: createOverdueSweep<DueKey>({
      queue,
      find: (after, limit) =>
        dueParked(database, group, { overdueMs: OVERDUE_MS, limit, ...(after !== undefined && { after }) }),
      jobOf: ({ family, key }) => retryJob({ family, key, afterMs: 0 }),
    }),
  });
