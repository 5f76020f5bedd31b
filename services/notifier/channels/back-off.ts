import { backoffMs } from '#platform/time';

/** Attempts of one notification; with the waits below they span about 21 hours. */
export const ATTEMPTS_MAX = 30;
/** Wait after the first attempt, in ms; doubled after each further one, up to the most. */
const FIRST_WAIT_MS = 5_000;
const WAIT_MAX_MS = 3_600_000;

/**
 * How long to wait after attempt number `attempt` (from 1) ended as "later", in ms; null when
 * that was the last one. `random` is from 0 to 1 and takes up to a quarter off, so that those
 * who failed together do not come back together. A receiver's own wish is never undercut.
 */
export const waitAfterMs = (attempt: number, wishMs: number | undefined, random: number): number | null => {
  if (attempt >= ATTEMPTS_MAX) return null;
  const waitMs = backoffMs(attempt, FIRST_WAIT_MS, WAIT_MAX_MS, { jitter: 0.25, random: () => random });
  return Math.round(Math.max(waitMs, wishMs ?? 0));
};
