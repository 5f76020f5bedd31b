import type { EventName } from '#catalogue';
import type { Aggregate } from '#families';
import { entityId, eventId, fromMergeRecord, isStamped, toMergeRecord } from '#rules';
import type { EntityState, FieldValue, MergeRecord, Snapshot } from '#rules';

/** The entity that all snapshots of the kit are about. */
export const KEY = entityId('entity_00000000000001');

export const BARE_EVENT = 'event_bare';

/** The least that an event can say: its name and, in the key, which entity it is about. */
export const bareSnapshot = (event: EventName): Snapshot => ({
  event,
  eventId: eventId(BARE_EVENT),
  key: KEY,
  accountId: null,
  occurredAt: null,
  subject: {},
  payload: {},
});

/** What one arrival leaves behind: all that Postgres, the audit and the policies see of it. */
export interface Outcome {
  readonly state: EntityState | undefined;
  /** Every state on the way, in order of arrival. */
  readonly path: readonly EntityState[];
  readonly rejected: ReadonlySet<string>;
  readonly facts: ReadonlySet<string>;
}

/** Writes a state as columns and merge record and reads it again, the way the store does between two batches. */
export const throughStore = (aggregate: Aggregate, state: EntityState): EntityState => {
  const columns = Object.fromEntries(Object.keys(aggregate.fields).map((name) => [name, state.values[name] ?? null]));
  const stamped = new Set(
    Object.entries(aggregate.fields)
      .filter(([, field]) => isStamped(field))
      .map(([name]) => name),
  );
  const stored = JSON.parse(JSON.stringify({ columns, record: toMergeRecord(state) })) as {
    columns: Record<string, FieldValue>;
    record: MergeRecord;
  };
  return fromMergeRecord(state.status, stored.record, stored.columns, stamped);
};

/** Applies batches of snapshots in the order given; between batches the state goes through the store's form. */
export const arrive = (aggregate: Aggregate, batches: readonly (readonly Snapshot[])[]): Outcome => {
  let state: EntityState | undefined;
  const path: EntityState[] = [];
  const rejected = new Set<string>();
  const facts = new Set<string>();
  for (const batch of batches) {
    if (state !== undefined) state = throughStore(aggregate, state);
    for (const snapshot of batch) {
      const verdict = aggregate.apply(state, snapshot);
      if (verdict.kind === 'rejected') {
        rejected.add(snapshot.eventId);
        continue;
      }
      state = verdict.next;
      path.push(state);
      for (const fact of verdict.facts) facts.add(fact.kind);
    }
  }
  return { state, path, rejected, facts };
};
