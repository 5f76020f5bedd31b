/** Notices that something hangs without an error: most often a promise that never settles. */
export interface Watchdog {
  /** Something went forward. */
  readonly alive: () => void;
  readonly stop: () => void;
}

/**
 * Calls `onHang` once, when nothing was alive for `limitMs`, or other work has been silent for so long: `workSilentMs`.
 */
export const startWatchdog = (
  limitMs: number,
  onHang: (silentMs: number) => void,
  workSilentMs: () => number = () => 0,
): Watchdog => {
  let aliveAt = performance.now();
  const look = (): void => {
    const silentMs = Math.max(performance.now() - aliveAt, workSilentMs());
    if (silentMs >= limitMs) onHang(Math.round(silentMs));
    else timer = setTimeout(look, Math.ceil(limitMs - silentMs));
  };
  let timer = setTimeout(look, limitMs);
  return {
    alive: () => (aliveAt = performance.now()),
    stop: () => clearTimeout(timer),
  };
};
