import type { NotificationStatus } from '#catalogue';
import type { JobOutcome } from '#platform/queue';
import { instant } from '#rules';
import type { Instant } from '#rules';
import { waitAfterMs } from '../channels/back-off.ts';
import type { Outcome } from '../channels/channel.ts';
import type { Deferred } from '../channels/rate-limit.ts';

/** What is written about a notification before its job ends. */
export type Conclusion =
  | { readonly kind: 'delivered'; readonly attempts: number; readonly at: Instant; readonly response: string }
  | { readonly kind: 'retrying'; readonly attempts: number; readonly reason: string; readonly nextAttemptAt: Instant }
  /** `attempts` null: none was possible. */
  | { readonly kind: 'failed'; readonly attempts: number | null; readonly reason: string };

/**
 * A job is asked for again at least this often, in ms, however far
 * away its time is: queues do not reach further than a year.
 */
const LATER_MAX_MS = 30 * 86_400_000;

/**
 * A job is only an alarm: what its row says decides. `over` when it
 * was delivered, given up or cancelled before, also by somebody else.
 */
export const isDue = (
  { status, nextAttemptAt }: { readonly status: NotificationStatus; readonly nextAttemptAt: Instant },
  now: Instant,
): 'over' | 'due' | { readonly afterMs: number } => {
  if (status !== 'pending' && status !== 'retrying') return 'over';
  return nextAttemptAt <= now ? 'due' : { afterMs: Math.min(nextAttemptAt - now, LATER_MAX_MS) };
};

/** What an attempt means for the row; `before` is the number of attempts before it, `random` from 0 to 1. */
export const afterAttempt = (before: number, outcome: Outcome, now: Instant, random: number): Conclusion => {
  const attempts = before + 1;
  switch (outcome.kind) {
    case 'delivered':
      return { kind: 'delivered', attempts, at: now, response: outcome.response };
    case 'failed':
      return { kind: 'failed', attempts, reason: outcome.reason };
    case 'retry': {
      const waitMs = waitAfterMs(attempts, outcome.afterMs, random);
      if (waitMs === null)
        return { kind: 'failed', attempts, reason: `given up after ${attempts} attempts: ${outcome.reason}` };
      return { kind: 'retrying', attempts, reason: outcome.reason, nextAttemptAt: instant(now + waitMs) };
    }
  }
};

/**
 * How the job ends once its row is written. Its reason goes to Redis and to the log,
 * so it says nothing that a receiver said: an answer may quote what it was sent.
 */
export const jobAfter = (id: string, conclusion: Conclusion, now: Instant): JobOutcome => {
  switch (conclusion.kind) {
    case 'delivered':
      return { kind: 'done' };
    case 'failed':
      return { kind: 'failed', reason: `not delivered; npx dakia notifications list --id ${id} says why` };
    case 'retrying':
      return { kind: 'later', afterMs: Math.max(conclusion.nextAttemptAt - now, 0) };
  }
};

/**
 * Not an attempt. Only a place that is taken frees itself at once;
 * all else concerns everything that waits for this destination.
 */
export const jobAfterDeferral = ({ reason, afterMs }: Deferred): JobOutcome => ({
  kind: reason === 'concurrency' ? 'later' : 'rest',
  afterMs,
});
