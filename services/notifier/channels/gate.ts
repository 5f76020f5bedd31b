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
export interface Gate {
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

export const openGate = ({ rate }: Limits, nowMs: number): Gate => ({
  inFlight: 0,
  bucket: rate === null ? null : fullBucket(rate, nowMs),
  circuit: closedCircuit,
  quietUntilMs: 0,
});

/** Pure: may a delivery begin? Nothing is used up when it may not. */
export const enter = (gate: Gate, { concurrency, rate }: Limits, nowMs: number): Gate | Deferred => {
  const waits = [
    { reason: 'quiet', afterMs: Math.max(gate.quietUntilMs - nowMs, 0) },
    {
      reason: 'circuit',
      afterMs: gate.circuit.kind === 'probing' ? PROBE_WAIT_MS : circuitWaitMs(gate.circuit, nowMs),
    },
    { reason: 'concurrency', afterMs: gate.inFlight >= concurrency ? PLACE_WAIT_MS : 0 },
    { reason: 'rate', afterMs: rate === null || gate.bucket === null ? 0 : tokenWaitMs(gate.bucket, rate, nowMs) },
  ] as const;
  const longest = waits.reduce((a, b) => (b.afterMs > a.afterMs ? b : a));
  if (longest.afterMs > 0) return { kind: 'deferred', ...longest };
  return {
    ...gate,
    inFlight: gate.inFlight + 1,
    bucket: rate === null || gate.bucket === null ? null : taken(gate.bucket, rate, nowMs),
    circuit: begun(gate.circuit, CIRCUIT, nowMs),
  };
};

/** Pure: a delivery ended. "Later" with a wish to be left alone is an answer of something alive; any other "later" is a failure. */
export const leave = (gate: Gate, outcome: Outcome, nowMs: number): Gate => {
  const afterMs = outcome.kind === 'retry' ? outcome.afterMs : undefined;
  return {
    ...gate,
    inFlight: gate.inFlight - 1,
    circuit: ended(gate.circuit, outcome.kind !== 'retry' || afterMs !== undefined, CIRCUIT, nowMs),
    quietUntilMs: afterMs === undefined ? gate.quietUntilMs : Math.max(gate.quietUntilMs, nowMs + afterMs),
  };
};
