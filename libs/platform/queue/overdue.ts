import type { Job, JobQueue } from './contracts.ts';

/** Between two sweeps, in ms: with OVERDUE_MS, what the loss of Redis costs at most. */
export const SWEEP_EVERY_MS = 30_000;
/** What should have run this long ago, in ms, has lost its job, or its workers are behind. */
export const OVERDUE_MS = 5_000;
/**
 * Rows of one look into Postgres, and looks of one sweep. What is
 * beyond comes with the next sweep, which goes on from there.
 */
const PAGE_ROWS = 500;
const PAGES_PER_SWEEP = 20;

export interface OverdueOptions<Row> {
  readonly queue: Pick<JobQueue, 'renew'>;
  /** Rows whose time was OVERDUE_MS ago, in one order, behind `after`. */
  readonly find: (after: Row | undefined, limit: number) => Promise<readonly Row[]>;
  readonly jobOf: (row: Row) => Job;
}

/**
 * Makes the jobs of what Postgres says is overdue, a bounded number
 * of pages each time it is called. What has its job is left alone.
 */
export const createOverdueSweep = <Row>({
  queue,
  find,
  jobOf,
}: OverdueOptions<Row>): ((signal: AbortSignal) => Promise<void>) => {
  let after: Row | undefined;
  return async (signal) => {
    for (let page = 0; page < PAGES_PER_SWEEP && !signal.aborted; page++) {
      const due = await find(after, PAGE_ROWS);
      await queue.renew(due.map(jobOf));
      after = due.length < PAGE_ROWS ? undefined : due.at(-1);
      if (after === undefined) return;
    }
  };
};
