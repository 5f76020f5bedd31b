import type { Writable } from 'node:stream';

/**
 * To be called before a write: what this turn of the event loop writes to the stream goes out together, at its end, in
 * one system call. Each of them alone costs the writer a call and the other side a wake-up (docs/performance.md).
 */
export const gatherWrites = (stream: Pick<Writable, 'cork' | 'uncork' | 'writableCorked'>): void => {
  if (stream.writableCorked > 0) return;
  stream.cork();
  process.nextTick(() => stream.uncork());
};
