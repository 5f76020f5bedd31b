import { pause } from './pause.ts';

/** What was waited for has not come in time. */
export class TimedOut extends Error {
  override readonly name = 'TimedOut';
}

type Resolvers<Value> = (resolve: (value: Value) => void, reject: (error: Error) => void) => void;

const bounded = <Value>(ms: number, promise: Promise<Value>, late: Resolvers<Value>): Promise<Value> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => late(resolve, reject), Math.max(0, ms));
    promise.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: Error) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });

/** What `promise` gives, or nothing after `ms`; then its outcome is of no interest any more. */
export const within = <Value>(ms: number, promise: Promise<Value>): Promise<Value | undefined> =>
  bounded<Value | undefined>(ms, promise, (resolve) => resolve(undefined));

/**
 * What `promise` gives; rejects with TimedOut and the message `otherwise`
 * after `ms`, and then its outcome is of no interest any more.
 */
export const inTime = <Value>(ms: number, promise: Promise<Value>, otherwise: string): Promise<Value> =>
  bounded(ms, promise, (_resolve, reject) => reject(new TimedOut(otherwise)));

/** Pause in ms between two looks, unless the caller says otherwise. */
const LOOK_EVERY_MS = 50;

/** Looks until the answer is yes, and at least once; false when `ms` have passed. What `look` throws ends it. */
export const until = async (
  ms: number,
  look: () => boolean | Promise<boolean>,
  everyMs = LOOK_EVERY_MS,
): Promise<boolean> => {
  const end = performance.now() + ms;
  for (;;) {
    if (await look()) return true;
    if (performance.now() >= end) return false;
    await pause(everyMs);
  }
};
