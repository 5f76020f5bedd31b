import { isDeepStrictEqual } from 'node:util';
import { toMergeRecord } from '#rules';
import type { ExpectedEntity } from '../expected.ts';
import type { SimulatedEvent } from '../simulated-event.ts';
import type { End } from '../stories/story.ts';

/** One value that is not as it must be. `about`: the family and key of an entity, or the id of an event. */
export interface Difference {
  readonly about: string;
  /** The column, or what of the event. */
  readonly what: string;
  readonly expected: unknown;
  readonly found: unknown;
}

/** Column values as the rules hold them: times in epoch ms. */
export type FoundRow = Readonly<Record<string, unknown>>;

export const nameOf = (family: string, key: string): string => `${family} ${key}`;

/** Compares one row with what the rules say, column by column, the merge record included. */
export const compareRow = (
  { aggregate, key, state }: ExpectedEntity,
  found: FoundRow | undefined,
): readonly Difference[] => {
  const about = nameOf(aggregate.family, key);
  if (found === undefined) return [{ about, what: 'row', expected: 'a row', found: 'none' }];
  const expected: FoundRow = {
    status: state.status,
    ...Object.fromEntries(Object.keys(aggregate.fields).map((name) => [name, state.values[name] ?? null])),
    merge_record: toMergeRecord(state),
  };
  return Object.entries(expected)
    .filter(([name, value]) => !isDeepStrictEqual(asJson(value), asJson(found[name] ?? null)))
    .map(([what, value]) => ({ about, what, expected: value, found: found[what] ?? null }));
};

/** Both sides without prototypes, `undefined` or a difference in the order of keys. */
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null)) as unknown;

/** Compares what the rules compute with the ends that the stories state by hand. */
export const compareEnds = (entities: readonly ExpectedEntity[], ends: readonly End[]): readonly Difference[] => {
  const computed = new Map(entities.map(({ aggregate, key, state }) => [nameOf(aggregate.family, key), state.status]));
  return ends
    .filter(({ family, key, status }) => computed.get(nameOf(family, key)) !== status)
    .map(({ family, key, status }) => ({
      about: nameOf(family, key),
      what: 'status by the rules',
      expected: status,
      found: computed.get(nameOf(family, key)) ?? null,
    }));
};

/** What `webhook_events` holds of one event id. */
export interface FoundEvent {
  readonly rows: number;
  readonly processed: boolean;
  readonly reason: string | null;
  /** Lowercase hex. */
  readonly sha256: string;
}

/** Every event must be there once, with exactly its bytes, and processed. */
export const compareEvent = (
  { event, eventId }: SimulatedEvent,
  sha256: string,
  found: FoundEvent | undefined,
): readonly Difference[] => {
  const about = `${event} ${eventId}`;
  if (found === undefined) return [{ about, what: 'rows in webhook_events', expected: 1, found: 0 }];
  return [
    ...(found.rows === 1 ? [] : [{ about, what: 'rows in webhook_events', expected: 1, found: found.rows }]),
    ...(found.sha256 === sha256 ? [] : [{ about, what: 'sha256 of payload', expected: sha256, found: found.sha256 }]),
    ...(found.processed
      ? []
      : [{ about, what: 'processed', expected: true, found: `false: ${found.reason ?? 'no reason'}` }]),
  ];
};
