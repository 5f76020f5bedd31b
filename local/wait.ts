import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 50;
const CONNECT_MS = 1_000;

/** Asks until the answer is yes or `withinMs` have passed; says which. */
export const until = async (answer: () => boolean | Promise<boolean>, withinMs: number): Promise<boolean> => {
  const deadline = Date.now() + withinMs;
  for (;;) {
    if (await answer()) return true;
    if (Date.now() >= deadline) return false;
    await sleep(POLL_MS);
  }
};

/** Waits for a promise at most `withinMs`; `undefined` when it did not settle in time. */
export const within = async <Value>(promise: Promise<Value>, withinMs: number): Promise<Value | undefined> => {
  const timer = new AbortController();
  try {
    return await Promise.race([promise, sleep(withinMs, undefined, { signal: timer.signal })]);
  } finally {
    timer.abort();
  }
};

/** Whether something accepts TCP connections there. */
export const accepts = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(CONNECT_MS, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
