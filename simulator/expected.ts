import { accountIdOf, occurredAtOf, subjectOf } from '#catalogue';
import type { Family } from '#catalogue';
import { allAggregates } from '#families';
import type { Aggregate } from '#families';
import { recordAt } from '#rules';
import type { EntityState, JsonRecord, Snapshot } from '#rules';
import type { SimulatedEvent } from './simulated-event.ts';

const aggregateOf = (family: Family): Aggregate => {
  const found = allAggregates.find((aggregate) => aggregate.family === family);
  if (found === undefined) throw new Error(`no service applies the family ${family}`);
  return found;
};

/** One entity and what its row must say after all events of the simulation. */
export interface ExpectedEntity {
  readonly aggregate: Aggregate;
  readonly key: string;
  readonly state: EntityState;
}

/** Applies events in the order given. What a rule rejects is left out, as the services do. */
export const expectedEntities = (events: readonly SimulatedEvent[]): readonly ExpectedEntity[] => {
  const entities = new Map<string, ExpectedEntity>();
  for (const event of events) {
    const name = `${event.family}/${event.key}`;
    const aggregate = aggregateOf(event.family);
    const verdict = aggregate.apply(entities.get(name)?.state, snapshotOf(event));
    if (verdict.kind !== 'rejected') entities.set(name, { aggregate, key: event.key, state: verdict.next });
  }
  return [...entities.values()];
};

/** The event as a rule sees it, read from the bytes that are sent. */
const snapshotOf = ({ event, eventId, key, body }: SimulatedEvent): Snapshot => {
  const parsed = JSON.parse(body.toString()) as JsonRecord;
  return {
    event,
    eventId,
    key,
    accountId: accountIdOf(parsed),
    occurredAt: occurredAtOf(parsed),
    subject: subjectOf(parsed, event) ?? {},
    payload: recordAt(parsed, 'payload') ?? {},
  };
};
