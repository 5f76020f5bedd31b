import { backoffMs, pause } from '#platform/time';
import { StoppedWhileStarting } from './launch-failure.ts';
import type { Report } from './progress.ts';
import type { Death, Server } from './server-process.ts';

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

/**
 * Ends of one server within this time, in ms, that are answered with
 * a start; people may practise, a server that keeps ending is broken.
 */
const [SERVER_STARTS_MAX, SERVER_STARTS_WITHIN_MS] = [3, 60_000] as const;

/**
 * Starts a server again at once, on the same data and port, when it ends
 * by itself. `giveUp` is told when that fails, or is needed too often.
 */
export const startAgain = (server: Server, report: Report, giveUp: (death: Death) => void): void => {
  let ends: readonly number[] = [];
  server.onDeath((death) => {
    const now = Date.now();
    ends = [...ends.filter((at) => now - at < SERVER_STARTS_WITHIN_MS), now];
    if (ends.length > SERVER_STARTS_MAX) {
      giveUp({
        ...death,
        message:
          `${death.message}\n${server.name} ended ${ends.length} times within ` +
          `${SERVER_STARTS_WITHIN_MS / 1000} s and is not started again.`,
      });
      return;
    }
    report(
      server.name,
      `${death.message}\n  starting ${server.name} again (${ends.length} of ${SERVER_STARTS_MAX} times within ` +
        `${SERVER_STARTS_WITHIN_MS / 1000} s)`,
    );
    server.start().then(
      () => report(server.name, `runs again (process ${server.pid()})`),
      (error: unknown) => {
        if (!(error instanceof StoppedWhileStarting))
          giveUp({ name: server.name, message: error instanceof Error ? error.message : String(error) });
      },
    );
  });
};
