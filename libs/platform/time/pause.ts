import { setTimeout as delay } from 'node:timers/promises';

/** Waits `ms`, or until `signal` aborts: both end it the same way. `ref` false: the process need not live on for it. */
export const pause = async (ms: number, signal?: AbortSignal, { ref = true } = {}): Promise<void> =>
  delay(ms, undefined, { signal, ref }).catch(() => undefined);
