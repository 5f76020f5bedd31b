/** Ends a client that hangs without an error (B11): most often a promise that never settles. */
export interface Watchdog {
  /** Something went forward. */
  readonly alive: () => void;
  readonly stop: () => void;
}

/** Looks four times per limit, so that a hang is found at most a quarter late. */
const LOOKS_PER_LIMIT = 4;

/** `workSilentMs`: the same of what else must go forward. */
export const startWatchdog = (
  limitMs: number,
  workSilentMs: () => number,
  onHang: (silentMs: number) => void,
): Watchdog => {
  let aliveAt = performance.now();
  const timer = setInterval(() => {
    const silentMs = Math.max(performance.now() - aliveAt, workSilentMs());
    if (silentMs <= limitMs) return;
    clearInterval(timer);
    onHang(Math.round(silentMs));
  }, limitMs / LOOKS_PER_LIMIT);
  return {
    alive: () => (aliveAt = performance.now()),
    stop: () => clearInterval(timer),
  };
};
