import type { Logger } from '#platform/log';
import { now } from '#platform/service';
import type { Component } from '#platform/service';
import type { Instant } from '#rules';

/** Pauses in ms after failures: the first one at most, and the longest. Work that is rare in itself is tried again soon, too. */
const FAILING_FIRST_MS_MAX = 1_000;
const FAILING_EVERY_MS_MAX = 10_000;

export interface PeriodicOptions {
  readonly name: string;
  /** Pause in ms between the end of a run and the next one. */
  readonly everyMs: number;
  /**
   * `signal` aborts when the component stops. What it throws is logged once, as is the first run that succeeds after that; the pause
   * depends on the failures meanwhile, not on `everyMs`.
   */
  readonly work: (signal: AbortSignal) => Promise<void>;
  readonly log: Logger;
}

export interface Periodic extends Component {
  /** Runs now, or once more right after the run that is under way. */
  readonly runSoon: () => void;
}

/** Work that comes again and again: first at the start, which does not wait for it; never twice at the same time. */
export const createPeriodic = ({ name, everyMs, work, log }: PeriodicOptions): Periodic => {
  const stopping = new AbortController();
  let wanted = false;
  let wake: () => void = () => undefined;
  let failures = 0;
  let loop: Promise<void> | undefined;

  const pause = async (ms: number): Promise<void> => {
    if (wanted || stopping.signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    wake = resolve;
    await promise;
    clearTimeout(timer);
  };
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
  const runUntilStopped = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await run();
      await pause(
        failures === 0
          ? everyMs
          : Math.min(Math.min(everyMs, FAILING_FIRST_MS_MAX) * 2 ** Math.min(failures - 1, 10), FAILING_EVERY_MS_MAX),
      );
    }
  };

  return {
    name,
    start: async () => {
      loop = runUntilStopped();
    },
    runSoon: () => {
      wanted = true;
      wake();
    },
    stop: async (deadline: Instant) => {
      stopping.abort();
      wake();
      if (loop === undefined) return;
      const late = Promise.withResolvers<'late'>();
      const timer = setTimeout(late.resolve, Math.max(0, deadline - now()), 'late' as const);
      const ended = await Promise.race([loop, late.promise]);
      clearTimeout(timer);
      if (ended === 'late') throw new Error(`${name} was still at work when the time to stop was over`);
    },
  };
};
