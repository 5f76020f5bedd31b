import { setTimeout as delay } from 'node:timers/promises';
import type { Component } from '#runtime/service';

/** Does `work` at start and again after as many ms as it answers, one round at a time. `work` does not reject. */
export const createRounds = (name: string, work: () => Promise<number>): Component => {
  const stopping = new AbortController();
  let running: Promise<void> = Promise.resolve();

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const pauseMs = await work();
      await delay(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };

  return {
    name,
    start: async () => void (running = run()),
    stop: async (deadline) => {
      stopping.abort();
      await Promise.race([running, delay(Math.max(0, deadline - Date.now()), undefined, { ref: false })]);
    },
  };
};
