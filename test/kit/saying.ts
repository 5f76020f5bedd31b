import { eventSpec } from '#catalogue';
import type { EventName } from '#catalogue';
import { aggregateOf } from '#families';
import { eventId, fromEpochSeconds } from '#rules';
import type { EntityState, FieldValue, JsonRecord, Snapshot } from '#rules';
import { bareSnapshot } from './arrive.ts';
import { inEveryOrder } from './orders.ts';

/** When everything here is received: after all times that are meant to be believed. */
export const RECEIVED_AT = fromEpochSeconds(1_795_850_000);
export const [EARLIER, LATER] = [1_795_841_805, 1_795_843_533];

/** What comes of a few events of one entity. */
export interface Expected {
  readonly status: string;
  readonly values?: Readonly<Record<string, FieldValue | undefined>>;
  /** Kinds of the facts told, in the order given. */
  readonly facts?: readonly string[];
  /** Pieces of the notes, one each, in the order given. */
  readonly notes?: readonly string[];
}

/** An event of a second, received after all of them. */
export const at = (event: EventName, second: number, subject: JsonRecord): Snapshot => ({
  ...bareSnapshot(event),
  eventId: eventId(`${event}@${second}`),
  occurredAt: fromEpochSeconds(second),
  receivedAt: RECEIVED_AT,
  subject,
});

/** Arrives in every order with the same row, and in the order given with what is told and noted. */
export const check = (snapshots: readonly Snapshot[], { status, values = {}, facts, notes = [] }: Expected): void => {
  const aggregate = aggregateOf(eventSpec(snapshots[0]?.event as EventName).family);
  const state = inEveryOrder(aggregate, snapshots);
  expect(state.status).toBe(status);
  for (const [name, value] of Object.entries(values)) expect([name, state.values[name]]).toEqual([name, value]);
  let current: EntityState | undefined;
  const [told, noted] = [new Array<string>(), new Array<string>()];
  for (const snapshot of snapshots) {
    const verdict = aggregate.apply(current, snapshot);
    if (verdict.kind === 'rejected') throw new Error(verdict.reason);
    current = verdict.next;
    told.push(...verdict.facts.map(({ kind }) => kind));
    noted.push(...verdict.notes.map(({ text }) => text));
  }
  if (facts !== undefined) expect(told).toEqual(facts);
  expect(noted).toEqual(notes.map((piece): unknown => expect.stringContaining(piece)));
};
