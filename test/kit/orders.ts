import type { Aggregate } from '#families';
import { toMergeRecord } from '#rules';
import type { EntityState, Snapshot } from '#rules';
import { arrive } from './arrive.ts';
import { same } from './same.ts';

/** 5 events have 120 orders; more would only take longer. */
const EVENTS_MAX = 5;

const permutations = <Item>(items: readonly Item[]): readonly (readonly Item[])[] =>
  items.length < 2
    ? [items]
    : items.flatMap((item, at) => permutations(items.toSpliced(at, 1)).map((rest) => [item, ...rest]));

/**
 * The one state that a few events end in, whatever their order, each
 * arriving by itself, and again at the end. Fails when it is not one.
 */
export const inEveryOrder = (aggregate: Aggregate, snapshots: readonly Snapshot[]): EntityState => {
  if (snapshots.length > EVENTS_MAX)
    throw new Error(`${snapshots.length} events have too many orders; give at most ${EVENTS_MAX}`);
  const states = permutations(snapshots).map(
    (order) =>
      arrive(
        aggregate,
        [...order, ...order].map((snapshot) => [snapshot]),
      ).state,
  );
  const [first] = states;
  if (first === undefined) throw new Error('no event was applied');
  for (const state of states) {
    same(state, first);
    if (state !== undefined) same(toMergeRecord(state), toMergeRecord(first));
  }
  return first;
};
