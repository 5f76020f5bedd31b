import type { Logger } from '#runtime/log';
import type { JobQueue } from '#runtime/queue';
import { createPeriodic } from '#runtime/service';
import type { Component } from '#runtime/service';
import { dueParked } from '#store';
import type { Database, DueKey } from '#store';
import { retryJob } from './retry-queue.ts';

/** Between two sweeps, in ms. */
export const SWEEP_EVERY_MS = 30_000;
/** A key whose time was this long ago, in ms, should have been woken: its job is lost, or the workers are behind. */
const OVERDUE_MS = 5_000;
/** Keys of one look into Postgres, and looks of one sweep. What is beyond comes with the next sweep, which goes on from there. */
const PAGE_KEYS = 500;
const PAGES_PER_SWEEP = 20;

export interface SweeperOptions {
  readonly database: Database;
  readonly group: string;
  readonly queue: Pick<JobQueue, 'renew'>;
  readonly log: Logger;
  readonly everyMs: number;
}

/**
 * Gives a job to every parked key whose time has passed, at start and then again and again: what Redis has lost comes back from here.
 * A key that has one is left alone. While Postgres or Redis is away it tries again every few seconds.
 */
export const createSweeper = ({ database, group, queue, log, everyMs }: SweeperOptions): Component => {
  let after: DueKey | undefined;
  return createPeriodic({
    name: 'sweeper of parked entities',
    everyMs,
    log,
    work: async (signal) => {
      for (let page = 0; page < PAGES_PER_SWEEP && !signal.aborted; page++) {
        const due = await dueParked(database, group, { overdueMs: OVERDUE_MS, limit: PAGE_KEYS, ...(after !== undefined && { after }) });
        await queue.renew(due.map(({ family, key }) => retryJob({ family, key, afterMs: 0 })));
        after = due.length < PAGE_KEYS ? undefined : due.at(-1);
        if (after === undefined) return;
      }
    },
  });
};
