import { codeOf } from '#platform/log';
import type { Logger } from '#platform/log';
import { createThrottle } from '#platform/time';

/** Tries of one partition that failed in a row: counted, and logged now and then until one works. */
export interface Failures {
  readonly failed: (error: unknown, what: string) => void;
  readonly worked: (what: string) => void;
  readonly count: () => number;
}

export interface FailureListener {
  readonly counted: () => void;
  /** Told as often as it is logged. */
  readonly logged: (what: string) => void;
}

export const createFailures = (log: Logger, logEveryMs: number, listener: FailureListener): Failures => {
  const logged = createThrottle(logEveryMs);
  let count = 0;
  return {
    failed: (error, what) => {
      count += 1;
      listener.counted();
      if (logged.admit() === undefined) return;
      log.error(
        { code: codeOf('apply', 'fails'), err: error, tries: count },
        `${what}; it is tried again until it works`,
      );
      listener.logged(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    },
    worked: (what) => {
      if (count > 0) log.info({ tries: count }, `${what} works again`);
      count = 0;
      logged.reset();
    },
    count: () => count,
  };
};
