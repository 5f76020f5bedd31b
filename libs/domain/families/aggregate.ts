import type { EventIn, Family } from '#catalogue';
import { observe, reducerOf } from '#rules';
import type { EntityState, Fact, Field, Lifecycle, Move, Snapshot, Verdict } from '#rules';

/** One family as the shell sees it: its columns and its rule, without its words. */
export interface Aggregate {
  readonly family: Family;
  readonly statuses: readonly string[];
  /** The statuses that are an outcome. */
  readonly ends: readonly string[];
  readonly fields: Readonly<Record<string, Field>>;
  /** Status or `absent` → event → where it leads; for the docs and the tests, the rule itself is `apply`. */
  readonly table: Readonly<Record<string, Readonly<Record<string, Move<string>>>>>;
  /** Pure. What one event does to what is known of its entity. */
  readonly apply: (current: EntityState | undefined, snapshot: Snapshot) => Verdict<EntityState, Fact>;
}

/** Binds a family to its lifecycle. The types see to it that the lifecycle's table covers every event of the family. */
export const defineAggregate = <In extends Family, Status extends string>(
  family: In,
  lifecycle: Lifecycle<Status, EventIn<In>>,
): Aggregate => {
  const reduce = reducerOf(lifecycle);
  return {
    family,
    statuses: lifecycle.statuses,
    ends: lifecycle.ends,
    fields: lifecycle.fields,
    table: lifecycle.table,
    apply: (current, snapshot) => {
      const seen = observe(lifecycle, snapshot as Snapshot<EventIn<In>>);
      if (seen === undefined)
        return { kind: 'rejected', reason: `${snapshot.event} says nothing about a ${family} entity` };
      return reduce(current as EntityState<Status> | undefined, seen);
    },
  };
};
