import type { Logger } from '#platform/log';
import type { Instant } from '#rules';
import { backoffMs } from './backoff.ts';
import { now } from './clock.ts';
import { pause } from './pause.ts';
import { within } from './within.ts';

/**
 * Pauses in ms after failures: the first one at most, and the
 * longest. Work that is rare in itself is tried again soon, too.
 */
const FAILING_FIRST_MS_MAX = 1_000;
const FAILING_EVERY_MS_MAX = 10_000;

export interface PeriodicOptions {
  readonly name: string;
  /** Pause in ms between the end of a run and the next one. */
  readonly everyMs: number;
  /**
   * `signal` aborts when the component stops. What it throws is logged once, as is the first run that succeeds after
   * that; the pause depends on the failures meanwhile, not on `everyMs`.
   */
  readonly work: (signal: AbortSignal) => Promise<void>;
  readonly log: Logger;
}

/** A component of a service (`Component` of #platform/service). */
export interface Periodic {
  readonly name: string;
  readonly start: () => Promise<void>;
  /** Rejects when the run under way has not ended by then. */
  readonly stop: (deadline: Instant) => Promise<void>;
  /** Runs now, or once more right after the run that is under way. */
  readonly runSoon: () => void;
}

/** Work that comes again and again: first at the start, which does not wait for it; never twice at the same time. */
export const createPeriodic = ({ name, everyMs, work, log }: PeriodicOptions): Periodic => {
  const stopping = new AbortController();
  let wanted = false;
  let resting = new AbortController();
  let failures = 0;
  let loop: Promise<void> | undefined;

  const run = async (): Promise<void> => {
    wanted = false;
    try {
      await work(stopping.signal);
      if (failures > 0) log.info({ component: name }, `${name} goes on`);
      failures = 0;
    } catch (error) {
      if (stopping.signal.aborted) return;
      if (failures === 0)
        log.warn({ err: error, component: name }, `${name} cannot do its work; it tries again until it can`);
      failures += 1;
    }
  };
  const rest = async (): Promise<void> => {
    resting = new AbortController();
    if (wanted || stopping.signal.aborted) return;
    const failingMs = backoffMs(failures, Math.min(everyMs, FAILING_FIRST_MS_MAX), FAILING_EVERY_MS_MAX, { jitter: 0 });
    await pause(failures === 0 ? everyMs : failingMs, resting.signal);
  };
  const runUntilStopped = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await run();
      await rest();
    }
  };

  return {
    name,
    start: async () => {
      loop = runUntilStopped();
    },
    runSoon: () => {
      wanted = true;
      resting.abort();
    },
    stop: async (deadline) => {
      stopping.abort();
      resting.abort();
      const ended =
        loop === undefined ||
        (await within(
          deadline - now(),
          loop.then(() => true),
        ));
      if (ended === undefined) throw new Error(`${name} was still at work when the time to stop was over`);
    },
  };
};
