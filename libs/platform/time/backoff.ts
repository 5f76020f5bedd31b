/** Keeps 2^tries finite over an outage of days. */
const DOUBLINGS_MAX = 40;

export interface BackoffOptions {
  /**
   * The part of the wait that chance may take off, from 0 to 1; half unless given, so that many do not return as one.
   */
  readonly jitter?: number;
  /** From 0 to 1. */
  readonly random?: () => number;
}

/**
 * How long to wait after try number `tries` (from 1) has failed, in
 * ms: `firstMs`, doubled with each further try up to `maxMs`.
 */
export const backoffMs = (
  tries: number,
  firstMs: number,
  maxMs: number,
  { jitter = 0.5, random = Math.random }: BackoffOptions = {},
): number => Math.min(maxMs, firstMs * 2 ** Math.min(tries - 1, DOUBLINGS_MAX)) * (1 - jitter * random());
