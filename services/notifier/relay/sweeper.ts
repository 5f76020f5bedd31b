import type { Logger } from '#platform/log';
import type { Database } from '#platform/postgres';
import { createOverdueSweep, OVERDUE_MS } from '#platform/queue';
import type { JobQueue } from '#platform/queue';
import { createPeriodic } from '#platform/time';
import type { Periodic } from '#platform/time';
import { instant } from '#rules';
import type { Instant } from '#rules';
import { countStranded, dueNotifications } from '../store/notification-store.ts';
import type { DueNotification } from '../store/notification-store.ts';
import { jobData } from './schedule-jobs.ts';

export interface SweeperOptions {
  readonly database: Database;
  /** By destination. */
  readonly queues: ReadonlyMap<string, JobQueue>;
  readonly clock: () => Instant;
  readonly log: Logger;
  readonly everyMs: number;
}

/**
 * Makes the jobs of notifications whose time has passed, at the start and then again and again: whatever Redis has lost
 * comes back from here. One that has a job is left alone. Reminders need no job before their time.
 */
export const createSweeper = ({ database, queues, clock, log, everyMs }: SweeperOptions): Periodic => {
  // One after the other: all of them are in one Redis, and when it is away the first one says so.
  const sweeps = [...queues].map(([destination, queue]) =>
    createOverdueSweep<DueNotification>({
      queue,
      find: (after, limit) =>
        dueNotifications(database, { destination, by: instant(clock() - OVERDUE_MS), after, limit }),
      jobOf: ({ id, priority, traceparent }) => ({ id, data: jobData(id, traceparent), priority, delayMs: 0 }),
    }),
  );
  let stranded = '';

  /**
   * A destination that was taken out of the file, or is off: what it was to be told stays, and is told when it is back.
   */
  const reportStranded = async (): Promise<void> => {
    const found = await countStranded(database, [...queues.keys()]);
    const names = found.map(({ destination }) => destination).join(' ');
    if (names !== '' && names !== stranded)
      log.warn(
        { waiting: found },
        `notifications wait for destinations that are off or no longer in the file: ${names}`,
      );
    stranded = names;
  };

  return createPeriodic({
    name: 'sweeper of notifications',
    everyMs,
    log,
    work: async (signal) => {
      await reportStranded();
      for (const sweep of sweeps) await sweep(signal);
    },
  });
};
