/** When a key whose head could not be applied is tried again. */
export interface RetryPolicy {
  /** Wait before each further attempt, in ms; as many attempts after the first as there are delays. */
  readonly delaysMs: readonly number[];
}

/**
 * 5 s, 30 s, 2 min, 10 min, 1 h, 6 h: long enough for a fix to be
 * deployed, short enough that a passing trouble is not noticed.
 */
export const DEFAULT_RETRY_DELAYS_MS: readonly number[] = [5_000, 30_000, 120_000, 600_000, 3_600_000, 21_600_000];

/** Share of a wait that chance may take off or add, so that keys parked together do not come back together. */
export const JITTER = 0.2;

/**
 * The wait after the attempt numbered `attempts` has failed, in ms;
 * null when no attempt is left. `random` is in [0, 1).
 */
export const retryDelayMs = ({ delaysMs }: RetryPolicy, attempts: number, random: number): number | null => {
  const delay = delaysMs[attempts - 1];
  return delay === undefined ? null : Math.round(delay * (1 + JITTER * (2 * random - 1)));
};
