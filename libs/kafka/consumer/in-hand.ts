import { pause } from '#platform/time';

/** Batches that a handler works at, of all partitions that this consumer has or had. */
export interface InHand {
  /** Runs work on one partition; the work calls its `progress` whenever it gets on. */
  readonly run: <Value>(place: string, work: (progress: () => void) => Promise<Value>) => Promise<Value>;
  readonly count: () => number;
  /** Settles when everything that is in hand now has ended. */
  readonly ended: () => Promise<unknown>;
  /** The same for one partition, or after `limitMs`. */
  readonly endedAt: (place: string, limitMs: number, signal: AbortSignal) => Promise<unknown>;
  /** How long the one that has been silent for longest has made no progress, in ms. */
  readonly silentMs: () => number;
}

interface Item {
  readonly place: string;
  readonly done: Promise<void>;
  progressAt: number;
}

export const createInHand = (): InHand => {
  const items = new Set<Item>();
  const all = (of: Iterable<Item>): Promise<unknown> => Promise.all([...of].map(({ done }) => done));
  return {
    run: async (place, work) => {
      const { promise: done, resolve } = Promise.withResolvers<void>();
      const item: Item = { place, done, progressAt: performance.now() };
      items.add(item);
      try {
        return await work(() => (item.progressAt = performance.now()));
      } finally {
        items.delete(item);
        resolve();
      }
    },
    count: () => items.size,
    ended: () => all(items),
    endedAt: async (place, limitMs, signal) => {
      const here = [...items].filter((item) => item.place === place);
      if (here.length > 0) await Promise.race([all(here), pause(limitMs, signal)]);
    },
    silentMs: () => [...items].reduce((most, item) => Math.max(most, performance.now() - item.progressAt), 0),
  };
};
