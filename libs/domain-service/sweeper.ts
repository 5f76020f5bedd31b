import type { Logger } from '#runtime/log';
import type { JobQueue } from '#runtime/queue';
import type { Component } from '#runtime/service';
import { dueParked } from '#store';
import type { Database, DueKey } from '#store';
import { retryJob } from './retry-queue.ts';
import { createRounds } from './rounds.ts';

/** Between two sweeps, in ms, and after one that failed. */
const SWEEP_EVERY_MS = 30_000;
const SWEEP_AGAIN_MS = 5_000;
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
  /** Told on each sweep, whether it succeeds or not. */
  readonly onSweep: () => void;
  readonly everyMs?: number | undefined;
}

/**
 * Gives a job to every parked key whose time has passed, at start and then again and again: what Redis has lost comes back from here.
 * A key that has one is left alone.
 */
export const createSweeper = ({ database, group, queue, log, onSweep, everyMs = SWEEP_EVERY_MS }: SweeperOptions): Component => {
  let after: DueKey | undefined;
  let failing = false;

  const sweep = async (): Promise<void> => {
    for (let page = 0; page < PAGES_PER_SWEEP; page++) {
      const due = await dueParked(database, group, { overdueMs: OVERDUE_MS, limit: PAGE_KEYS, ...(after !== undefined && { after }) });
      await queue.renew(due.map(({ family, key }) => retryJob({ family, key, afterMs: 0 })));
      after = due.length < PAGE_KEYS ? undefined : due.at(-1);
      if (after === undefined) return;
    }
  };

  return createRounds('sweeper of parked entities', async () => {
    onSweep();
    try {
      await sweep();
      if (failing) log.info('parked entities are swept again');
      failing = false;
      return everyMs;
    } catch (error) {
      if (!failing) log.warn({ err: error }, 'parked entities could not be swept; they wait until Postgres and Redis answer');
      failing = true;
      return Math.min(everyMs, SWEEP_AGAIN_MS);
    }
  });
};
