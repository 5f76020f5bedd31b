import { setImmediate as nextTurn } from 'node:timers/promises';

/** Who awaits what it returns goes on in a turn of the event loop that is theirs alone: one a turn, in order. */
export const inTurns = (): (() => Promise<void>) => {
  let last = Promise.resolve();
  return () => (last = last.then(() => nextTurn()));
};
