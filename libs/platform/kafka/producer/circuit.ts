/** Batches that must fail one after another before nothing is tried any more. */
const FAILURES_TO_OPEN = 4;
/** While nothing is tried, one record is let through this often, in ms. */
const PROBE_INTERVAL_MS = 1_000;

/** Whether it makes sense to send. Opens after failures in a row; closes with the first success. */
export interface Circuit {
  readonly isOpen: () => boolean;
  /** Whether a record may go: always while closed, once per interval while open. */
  readonly admits: (now: number) => boolean;
  /** The admitted record is on its way: the next probe has to wait. */
  readonly entered: (now: number) => void;
  readonly succeeded: () => void;
  readonly failed: (now: number) => void;
}

export const createCircuit = (): Circuit => {
  let failures = 0;
  let nextProbeAt = 0;
  const isOpen = (): boolean => failures >= FAILURES_TO_OPEN;
  return {
    isOpen,
    admits: (now) => !isOpen() || now >= nextProbeAt,
    entered: (now) => {
      if (isOpen()) nextProbeAt = now + PROBE_INTERVAL_MS;
    },
    succeeded: () => {
      failures = 0;
    },
    failed: (now) => {
      failures++;
      if (failures === FAILURES_TO_OPEN) nextProbeAt = now + PROBE_INTERVAL_MS;
    },
  };
};
