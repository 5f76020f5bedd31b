import { instant } from '#kernel';
import type { Instant } from '#kernel';
import type { Logger } from '#runtime/log';
import type { JobQueue } from '#runtime/queue';
import { createPeriodic } from '#runtime/service';
import type { Periodic } from '#runtime/service';
import type { Database } from '#store';
import { countStranded, dueNotifications } from '../store/notification-store.ts';
import type { DueNotification } from '../store/notification-store.ts';

/** Between two sweeps, in ms: what the loss of Redis costs a notification at most. */
export const SWEEP_EVERY_MS = 30_000;
/** A notification whose time was this long ago, in ms, should have been sent: its job is lost, or its destination is behind. */
const OVERDUE_MS = 5_000;
/** Rows of one look into Postgres, and looks of one sweep per destination. What is beyond comes with the next sweep, which goes on from there. */
const PAGE_ROWS = 500;
const PAGES_PER_SWEEP = 20;

export interface SweeperOptions {
  readonly database: Database;
  /** By destination. */
  readonly queues: ReadonlyMap<string, JobQueue>;
  readonly clock: () => Instant;
  readonly log: Logger;
  readonly everyMs: number;
}

/**
 * Makes the jobs of notifications whose time has passed, at the start and then again and again: whatever Redis has lost comes back from
 * here. One that has a job is left alone. Reminders need no job before their time.
 */
export const createSweeper = ({ database, queues, clock, log, everyMs }: SweeperOptions): Periodic => {
  const places = new Map<string, DueNotification>();
  let stranded = '';

  const sweep = async (destination: string, queue: JobQueue, signal: AbortSignal): Promise<void> => {
    for (let page = 0; page < PAGES_PER_SWEEP && !signal.aborted; page += 1) {
      const due = await dueNotifications(database, { destination, by: instant(clock() - OVERDUE_MS), after: places.get(destination), limit: PAGE_ROWS });
      await queue.renew(due.map(({ id, priority }) => ({ id, data: { id }, priority, delayMs: 0 })));
      const last = due.length < PAGE_ROWS ? undefined : due.at(-1);
      if (last === undefined) {
        places.delete(destination);
        return;
      }
      places.set(destination, last);
    }
  };

  /** A destination that was taken out of the file, or is off: what it was to be told stays, and is told when it is back. */
  const reportStranded = async (): Promise<void> => {
    const found = await countStranded(database, [...queues.keys()]);
    const names = found.map(({ destination }) => destination).join(' ');
    if (names !== '' && names !== stranded) log.warn({ waiting: found }, `notifications wait for destinations that are off or no longer in the file: ${names}`);
    stranded = names;
  };

  return createPeriodic({
    name: 'sweeper of notifications',
    everyMs,
    log,
    work: async (signal) => {
      await reportStranded();
      // One after the other: all of them are in one Redis, and when it is away the first one says so.
      for (const [destination, queue] of queues) await sweep(destination, queue, signal);
    },
  });
};
