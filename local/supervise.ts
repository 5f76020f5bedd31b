import { backoffMs, pause } from '#platform/time';
import type { Report } from './progress.ts';
import type { Server } from './server-process.ts';

/** First wait, and the longest, before a service that ended is started again; each failure in a row doubles it. */
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
/** A service that ran this long had recovered: the next wait is the first one again. */
const RECOVERED_MS = 60_000;

export const waitBefore = (failuresInARow: number): number =>
  backoffMs(failuresInARow + 1, FIRST_WAIT_MS, LONGEST_WAIT_MS, { jitter: 0 });

/** Starts a service again whenever it ends by itself, with back-off, until the signal is aborted; says so each time. */
export const supervise = (service: Server, report: Report, signal: AbortSignal): void => {
  let failures = 0;
  let runningSince = performance.now();
  const stopped = (): boolean => signal.aborted;
  const again = async (why: string): Promise<void> => {
    if (performance.now() - runningSince >= RECOVERED_MS) failures = 0;
    const wait = waitBefore(failures);
    failures += 1;
    report(service.name, `${why}\n  starting ${service.name} again in ${wait / 1000} s`);
    await pause(wait, signal);
    if (stopped()) return;
    runningSince = performance.now();
    try {
      await service.start();
      report(service.name, `runs again (process ${service.pid()})`);
    } catch (error) {
      if (!stopped()) await again(error instanceof Error ? error.message : String(error));
    }
  };
  service.onDeath(({ message }) => {
    if (!stopped()) void again(message);
  });
};
