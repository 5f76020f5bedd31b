import type { Logger } from '#platform/log';

/** Tries of one partition that failed in a row: counted, and logged now and then until one works. */
export interface Failures {
  readonly failed: (error: unknown, what: string) => void;
  readonly worked: (what: string) => void;
  readonly count: () => number;
}

export const createFailures = (log: Logger, logEveryMs: number, onFailure: () => void): Failures => {
  let count = 0;
  let loggedAt = 0;
  return {
    failed: (error, what) => {
      count += 1;
      onFailure();
      if (count > 1 && performance.now() - loggedAt < logEveryMs) return;
      loggedAt = performance.now();
      log.error({ err: error, tries: count }, `${what}; it is tried again until it works`);
    },
    worked: (what) => {
      if (count > 0) log.info({ tries: count }, `${what} works again`);
      count = 0;
    },
    count: () => count,
  };
};
