import type { JobPriority } from '#catalogue';
import type { boardSettings, ConfigOf, queueSettings, redisSettings } from '#platform/config';
import type { Logger } from '#platform/log';
import type { Registry } from '#platform/metrics';

export type QueueConfig = ConfigOf<typeof redisSettings & typeof queueSettings>;
export type BoardConfig = QueueConfig & ConfigOf<typeof boardSettings>;

/** Ids only: Redis is readable by whoever runs it, so a job holds no personal data and no secret. */
export type JobData = Readonly<Record<string, string>>;

/** An alarm, not the truth: what is to be done stands in Postgres, and a job that is lost is made again from there. */
export interface Job {
  /**
   * Names the job for ever, so that adding it again adds nothing.
   * Letters, digits, dots, dashes and underscores, and not digits alone.
   */
  readonly id: string;
  readonly data: JobData;
  /** 1 first. BullMQ runs a job without one before all others. */
  readonly priority: JobPriority;
  /** In ms from now, 0 or more. */
  readonly delayMs: number;
}

/**
 * The side that gives work. Every method answers within about QUEUE_ANSWER_MS;
 * while Redis is away it rejects, and nothing is kept in memory for later.
 */
export interface JobQueue {
  readonly name: string;
  /** Adds the jobs whose id is new. One that is there in any state, also finished, is left alone. */
  readonly add: (jobs: readonly Job[]) => Promise<void>;
  /**
   * Makes sure that each job will run by its time: adds what is missing, replaces what has finished, brings forward
   * what is delayed for longer. A job that waits for a worker or that a worker has is left alone.
   */
  readonly renew: (jobs: readonly Job[]) => Promise<void>;
  /** Takes jobs out, whatever their state; one that a worker has is left to it. */
  readonly remove: (ids: readonly string[]) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** What became of one run of a job. */
export type JobOutcome =
  | { readonly kind: 'done' }
  /** This job again after `afterMs`, which is no failure. */
  | { readonly kind: 'later'; readonly afterMs: number }
  /**
   * The job goes back unchanged, and no worker takes one from this
   * queue for `afterMs`: a rate limit, or an open circuit.
   */
  | { readonly kind: 'rest'; readonly afterMs: number }
  /** For good. The job is kept a while and shown as failed. */
  | { readonly kind: 'failed'; readonly reason: string };

export interface WorkerOptions {
  readonly config: QueueConfig;
  readonly queue: string;
  /** Jobs at once in this process. */
  readonly concurrency: number;
  /**
   * Does one job. What it throws is an unexpected error: it is logged, and the job comes again after
   * UNEXPECTED_WAIT_MS, as often as it takes. A job may run twice (its worker died, or lost Redis for longer than a
   * lock lasts), so the work looks into Postgres first. `signal` aborts when the worker stops waiting for it.
   */
  readonly work: (job: { readonly id: string; readonly data: JobData }, signal: AbortSignal) => Promise<JobOutcome>;
  readonly log: Logger;
  readonly metrics: Registry;
}

export interface QueueStats {
  readonly name: string;
  readonly waiting: number;
  readonly active: number;
  readonly completed: number;
  readonly failed: number;
  readonly delayed: number;
  readonly prioritized: number;
  /** What waits while somebody has paused the queue; it counts neither as waiting nor as prioritized then. */
  readonly paused: number;
  /** Age in ms of the oldest job that should run now or runs; null when there is none. */
  readonly oldestMs: number | null;
}
