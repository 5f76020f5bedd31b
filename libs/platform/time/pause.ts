/** The pause before try number `tries` + 1: doubling up to `maxMs`, and half of it by chance, so that consumers do not return as one. */
export const backoffMs = (tries: number, firstMs: number, maxMs: number): number => {
  const full = Math.min(maxMs, firstMs * 2 ** Math.min(tries - 1, DOUBLINGS_MAX));
  return full / 2 + Math.random() * (full / 2);
};

/** Keeps 2^tries finite over an outage of days. */
const DOUBLINGS_MAX = 20;

/** Waits, or returns early when the signal is aborted. */
export const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
