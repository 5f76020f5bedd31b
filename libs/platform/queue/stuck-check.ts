import type { QueueSnapshot } from './queue-stats.ts';

/** A worker that takes nothing for this long, in ms, although jobs are due and it has a hand free, is stuck. */
export const STUCK_AFTER_MS = 20_000;

/** What is seen of a worker at one moment. */
export interface WorkerSnapshot {
  /** Of a monotonic clock, in ms, as is `takenAt`. */
  readonly at: number;
  /** `undefined` while Redis does not answer over the worker's own connection. */
  readonly queue: QueueSnapshot | undefined;
  /** Whether Redis answers over a connection of its own; asked only where `queue` is undefined. */
  readonly answersOthers: boolean;
  readonly takenAt: number;
  readonly isBusy: boolean;
}

const isIdleThoughDue = ({ queue, isBusy }: WorkerSnapshot): boolean => {
  if (queue === undefined || queue.held || isBusy) return false;
  const { waiting, prioritized, active, oldestMs } = queue.stats;
  return waiting + prioritized > 0 || (active === 0 && oldestMs !== null);
};

/**
 * Tells when a worker is stuck. BullMQ's worker can stop taking jobs after a failover
 * and never say so (taskforcesh/bullmq #3088, #3185), so only facts count: jobs are
 * due, this worker has a hand free, nothing holds the queue, and yet it took none.
 */
export const createStuckCheck = (): ((snapshot: WorkerSnapshot) => boolean) => {
  let since: number | undefined;
  return (snapshot) => {
    const suspicious = snapshot.queue === undefined ? snapshot.answersOthers : isIdleThoughDue(snapshot);
    if (!suspicious || (since !== undefined && snapshot.takenAt > since)) since = undefined;
    if (!suspicious) return false;
    since ??= snapshot.at;
    return snapshot.at - since >= STUCK_AFTER_MS;
  };
};
