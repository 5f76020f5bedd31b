import type { Family } from '#catalogue';
import type { Aggregate } from '#families';
import { storableText } from '#rules';
import type { Disposition, EntityState, Fact, Note, NoteKind } from '#rules';
import type { Arrival } from './arrival.ts';
import { placeName } from './ledger.ts';
import { parkedContextOf } from './trace.ts';

/** What was decided about one event, and why. */
export interface Decision {
  readonly arrival: Arrival;
  readonly disposition: Disposition;
  readonly reason: string | null;
  /** Kinds of what was odd about an event that was applied; the reason says it in words. */
  readonly notes?: readonly NoteKind[];
  readonly from: string | null;
  readonly to: string | null;
  readonly facts: readonly Fact[];
  /** For a sighting: whether its entity's row is another than before. */
  readonly isChange?: boolean;
}

/** A key that an event of this batch has parked. */
export interface NewlyParked {
  readonly family: Family;
  readonly key: string;
  readonly reason: string;
  readonly eventId: string;
  /** W3C trace context that its retries go on with. */
  readonly traceparent: string | null;
}

export type StatesByFamily = ReadonlyMap<Family, ReadonlyMap<string, EntityState>>;

export interface Reduction {
  /** One per event, in the order given. */
  readonly decisions: readonly Decision[];
  /** Rows that differ from what was loaded. */
  readonly changed: StatesByFamily;
  readonly parked: readonly NewlyParked[];
}

export interface ReductionInput {
  readonly aggregates: ReadonlyMap<Family, Aggregate>;
  readonly states: StatesByFamily;
  /** Names (`keyName`) of keys that are parked already, with the reason that a later event is given. */
  readonly parked: ReadonlyMap<string, string>;
  /** Name of a record (`recordName`) → why its event could not be written when it was tried alone. */
  readonly failing: ReadonlyMap<string, string>;
}

/** A key's name among those of all families. */
export const keyName = (family: string, key: string): string => `${family} ${key}`;

/** A record's name among those of all partitions. */
export const recordName = (record: Pick<Arrival, 'topic' | 'partition' | 'offset'>): string =>
  `${placeName(record)}/${record.offset}`;

/** Longest reason that is kept; enough for any message of Postgres or of a rule. */
const REASON_LENGTH_MAX = 1_000;

export const reasonOf = (error: unknown): string =>
  storableText(error instanceof Error ? error.message : String(error)).slice(0, REASON_LENGTH_MAX);

/** A verdict's own reason, its notes, and whose id it came under, as one text; null when there is nothing to say. */
const reasonWith = ({ claimedId }: Arrival, reasons: readonly string[], notes: readonly Note[] = []): string | null => {
  const claim = claimedId === undefined ? [] : [`it came under the event id ${claimedId}, which another body has`];
  const texts = [...reasons, ...notes.map(({ text }) => text), ...claim];
  return texts.length === 0 ? null : reasonOf(texts.join('; '));
};

const undecided = { from: null, to: null, facts: [] } as const;

/**
 * Runs the rules over events in order, in memory. An event whose rule throws, or that is known to fail, parks its key:
 * it and all later events of the key wait, every other key goes on. Deterministic.
 */
export const reduceEvents = (
  arrivals: readonly Arrival[],
  { aggregates, states, parked, failing }: ReductionInput,
): Reduction => {
  const waiting = new Map(parked);
  const newlyParked: NewlyParked[] = [];
  const current = new Map<Family, Map<string, EntityState>>(
    [...states].map(([family, rows]) => [family, new Map(rows)]),
  );
  const touched = new Map<Family, Set<string>>();

  const decide = (arrival: Arrival): Decision => {
    const { task } = arrival;
    if (task.kind === 'keep') return { arrival, disposition: 'quarantined', reason: task.reason, ...undecided };
    const { family, key } = task;
    const name = keyName(family, key);
    const behind = waiting.get(name);
    if (behind !== undefined) return { arrival, disposition: 'parked', reason: behind, ...undecided };
    const park = (reason: string): Decision => {
      newlyParked.push({ family, key, reason, eventId: arrival.eventId, traceparent: parkedContextOf(arrival) });
      waiting.set(name, waitsBehind(arrival.eventId));
      return { arrival, disposition: 'parked', reason, ...undecided };
    };
    const known = failing.get(recordName(arrival));
    if (known !== undefined) return park(known);

    const rows = current.get(family) ?? new Map<string, EntityState>();
    current.set(family, rows);
    const before = rows.get(key);
    try {
      const verdict = aggregates.get(family)?.apply(before, task.snapshot);
      if (verdict === undefined)
        return { arrival, disposition: 'quarantined', reason: `no handler for ${family}`, ...undecided };
      const from = before?.status ?? null;
      if (verdict.kind === 'rejected')
        return {
          arrival,
          disposition: 'rejected',
          reason: reasonWith(arrival, [verdict.reason]),
          from,
          to: from,
          facts: [],
        };
      rows.set(key, verdict.next);
      touched.set(family, (touched.get(family) ?? new Set()).add(key));
      return {
        arrival,
        disposition: arrival.sighting === undefined ? verdict.kind : 'sighted',
        reason: reasonWith(arrival, verdict.kind === 'stale' ? [verdict.reason] : [], verdict.notes),
        notes: verdict.notes.map(({ kind }) => kind),
        from,
        to: verdict.next.status,
        facts: verdict.facts,
        isChange: before === undefined || !isSame(before, verdict.next),
      };
    } catch (error) {
      return park(reasonOf(error));
    }
  };

  const decisions = arrivals.map(decide);
  return { decisions, changed: changedRows(states, current, touched), parked: newlyParked };
};

export const waitsBehind = (eventId: string): string => `waits behind ${eventId}`;

const changedRows = (
  before: StatesByFamily,
  after: StatesByFamily,
  touched: ReadonlyMap<Family, ReadonlySet<string>>,
): StatesByFamily =>
  new Map(
    [...touched].map(([family, keys]) => {
      const entries = [...keys].flatMap((key): [string, EntityState][] => {
        const [old, state] = [before.get(family)?.get(key), after.get(family)?.get(key)];
        return state === undefined || (old !== undefined && isSame(old, state)) ? [] : [[key, state]];
      });
      return [family, new Map(entries)];
    }),
  );

/**
 * The reducers carry over what they do not change, so comparing by
 * reference is enough; a false "differs" costs only a write.
 */
const isSame = (a: EntityState, b: EntityState): boolean =>
  a.status === b.status &&
  a.marks === b.marks &&
  isShallowSame(a.values, b.values) &&
  isShallowSame(a.stamps, b.stamps);

const isShallowSame = (a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): boolean => {
  const names = Object.keys(b);
  return names.length === Object.keys(a).length && names.every((name) => a[name] === b[name]);
};
