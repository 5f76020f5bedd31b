import { begun, circuitWaitMs, closedCircuit, ended } from '#platform/time';
import type { Circuit, CircuitRule } from '#platform/time';
import type { Outcome } from './channel.ts';
import { fullBucket, taken, tokenWaitMs } from './token-bucket.ts';
import type { Bucket, Rate } from './token-bucket.ts';

/** When all places are taken: how soon to ask again, in ms. */
const PLACE_WAIT_MS = 50;
/** While a probe is under way: how soon to ask again, in ms. */
const PROBE_WAIT_MS = 1_000;
/** One probe at a time: a delivery always ends, within the time-out of its channel. */
export const CIRCUIT: CircuitRule = {
  failuresToOpen: 5,
  coolDownMs: 10_000,
  coolDownMaxMs: 300_000,
  probeMs: Infinity,
};

export interface Limits {
  readonly concurrency: number;
  readonly rate: Rate | null;
}

/** What is going on at one destination. Times are of a monotonic clock, in ms. */
export interface LimitState {
  readonly inFlight: number;
  readonly bucket: Bucket | null;
  readonly circuit: Circuit;
  /** Until when the receiver asked to be left alone (Retry-After). */
  readonly quietUntilMs: number;
}

/** Not now, and not an attempt: try again after `afterMs`. */
export interface Deferred {
  readonly kind: 'deferred';
  readonly reason: 'quiet' | 'circuit' | 'concurrency' | 'rate';
  readonly afterMs: number;
}

export const unusedLimits = ({ rate }: Limits, nowMs: number): LimitState => ({
  inFlight: 0,
  bucket: rate === null ? null : fullBucket(rate, nowMs),
  circuit: closedCircuit,
  quietUntilMs: 0,
});

/** Pure: may a delivery begin? Nothing is used up when it may not. */
export const enter = (limitState: LimitState, { concurrency, rate }: Limits, nowMs: number): LimitState | Deferred => {
  const waits = [
    { reason: 'quiet', afterMs: Math.max(limitState.quietUntilMs - nowMs, 0) },
    {
      reason: 'circuit',
      afterMs: limitState.circuit.kind === 'probing' ? PROBE_WAIT_MS : circuitWaitMs(limitState.circuit, nowMs),
    },
    { reason: 'concurrency', afterMs: limitState.inFlight >= concurrency ? PLACE_WAIT_MS : 0 },
    {
      reason: 'rate',
      afterMs: rate === null || limitState.bucket === null ? 0 : tokenWaitMs(limitState.bucket, rate, nowMs),
    },
  ] as const;
  const longest = waits.reduce((a, b) => (b.afterMs > a.afterMs ? b : a));
  if (longest.afterMs > 0) return { kind: 'deferred', ...longest };
  return {
    ...limitState,
    inFlight: limitState.inFlight + 1,
    bucket: rate === null || limitState.bucket === null ? null : taken(limitState.bucket, rate, nowMs),
    circuit: begun(limitState.circuit, CIRCUIT, nowMs),
  };
};

/**
 * Pure: a delivery ended. "Later" with a wish to be left alone is an
 * answer of something alive; any other "later" is a failure.
 */
export const leave = (limitState: LimitState, outcome: Outcome, nowMs: number): LimitState => {
  const afterMs = outcome.kind === 'retry' ? outcome.afterMs : undefined;
  return {
    ...limitState,
    inFlight: limitState.inFlight - 1,
    circuit: ended(limitState.circuit, outcome.kind !== 'retry' || afterMs !== undefined, CIRCUIT, nowMs),
    quietUntilMs: afterMs === undefined ? limitState.quietUntilMs : Math.max(limitState.quietUntilMs, nowMs + afterMs),
  };
};
