/** Ends a client that hangs without an error (B11): most often a promise that never settles. */
export interface Watchdog {
  /** Something went forward. */
  readonly alive: () => void;
  readonly stop: () => void;
}

/** Looks four times per limit, so that a hang is found at most a quarter late. */
const LOOKS_PER_LIMIT = 4;

export const startWatchdog = (limitMs: number, onHang: (silentMs: number) => void): Watchdog => {
  let aliveAt = performance.now();
  const timer = setInterval(() => {
    const silentMs = performance.now() - aliveAt;
    if (silentMs <= limitMs) return;
    clearInterval(timer);
    onHang(Math.round(silentMs));
  }, limitMs / LOOKS_PER_LIMIT);
  return {
    alive: () => (aliveAt = performance.now()),
    stop: () => clearInterval(timer),
  };
};
