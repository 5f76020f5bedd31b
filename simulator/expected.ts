import { accountIdOf, occurredAtOf, sightingsIn, subjectOf } from '#catalogue';
import type { Family } from '#catalogue';
import { allAggregates } from '#families';
import type { Aggregate } from '#families';
import { recordAt, sightedAt } from '#rules';
import type { EntityId, EntityState, JsonRecord, Snapshot } from '#rules';
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

/**
 * Applies events in the order given, each with what is seen beside
 * its subject. What a rule rejects is left out, as the services do.
 */
export const expectedEntities = (events: readonly SimulatedEvent[]): readonly ExpectedEntity[] => {
  const entities = new Map<string, ExpectedEntity>();
  for (const { family, key, snapshot } of events.flatMap(toldBy)) {
    const name = `${family}/${key}`;
    const aggregate = aggregateOf(family);
    const verdict = aggregate.apply(entities.get(name)?.state, snapshot);
    if (verdict.kind !== 'rejected') entities.set(name, { aggregate, key, state: verdict.next });
  }
  return [...entities.values()];
};

interface Told {
  readonly family: Family;
  readonly key: EntityId;
  readonly snapshot: Snapshot;
}

/** The event and its sightings as the rules see them, read from the bytes that are sent. */
const toldBy = ({ event, eventId, family, key, body }: SimulatedEvent): readonly Told[] => {
  const parsed = JSON.parse(body.toString()) as JsonRecord;
  const occurredAt = occurredAtOf(parsed);
  const base = { event, eventId, accountId: accountIdOf(parsed), payload: recordAt(parsed, 'payload') ?? {} };
  return [
    { family, key, snapshot: { ...base, key, occurredAt, subject: subjectOf(parsed, event) ?? {} } },
    ...sightingsIn(parsed, event).map((seen): Told => {
      const sighted = { subject: seen.subject, occurredAt: sightedAt(seen.subject, occurredAt, undefined) };
      return { family: seen.family, key: seen.key, snapshot: { ...base, ...sighted, key: seen.key, isSighting: true } };
    }),
  ];
};
