import type { Field, FieldValue, Snapshot } from './field.ts';
import { compareStamps, UNKNOWN } from './stamp.ts';
import type { Stamp } from './stamp.ts';
import type { Reducer, TransitionTable, Verdict } from './verdict.ts';

/** The highest-standing snapshot of a lane, and the status it showed. */
export interface Mark<Status extends string = string> {
  readonly stamp: Stamp;
  readonly status: Status;
}

/** What is known of one entity. Equal for equal sets of events, whatever their order, repetition or grouping. */
export interface EntityState<Status extends string = string> {
  readonly status: Status;
  /** The highest mark of each lane; most families have one lane. */
  readonly marks: Readonly<Record<string, Mark<Status>>>;
  readonly values: Readonly<Record<string, FieldValue>>;
  /** Which snapshot each `latest` and `clearable` value came from. */
  readonly stamps: Readonly<Record<string, Stamp>>;
}

/** One event, read: what it says of the status and of each field. */
export interface Observation<Status extends string = string, Event extends string = string> {
  readonly event: Event;
  readonly status: Status;
  readonly lane: string;
  readonly stamp: Stamp;
  readonly values: Readonly<Record<string, FieldValue>>;
}

/** What became true. `occurrence` tells repeats of one kind apart; '' for what can become true only once per entity. */
export interface Fact {
  readonly kind: string;
  readonly occurrence: string;
}

/** Everything that is particular to one family. */
export interface Lifecycle<Status extends string, Event extends string> {
  /** Lowest rank first. A status is never left for a lower one within a lane. */
  readonly statuses: readonly [Status, ...Status[]];
  /** `absent` names the status that an event by itself stands for. */
  readonly table: TransitionTable<Status, Event>;
  /** Every column of the state table, by column name. */
  readonly fields: Readonly<Record<string, Field>>;
  /** The snapshot's own status in our words; null when it shows none that we know. */
  readonly shown: (snapshot: Snapshot<Event>) => Status | null;
  /** What decides between snapshots, first number first. The usual order is rank, then time: `byRankThenTime`. */
  readonly order: (snapshot: Snapshot<Event>, rank: number) => readonly number[];
  /** Events of different lanes do not compete for the status; `decide` chooses between the lanes' marks. */
  readonly lane?: (snapshot: Snapshot<Event>) => string;
  readonly decide?: (marks: Readonly<Record<string, Mark<Status>>>) => Mark<Status>;
  readonly facts: (before: EntityState<Status> | undefined, after: EntityState<Status>) => readonly Fact[];
}

/** Rank of status first; between snapshots of equal rank the envelope's time (unknown time stands lowest). */
export const byRankThenTime = (snapshot: Snapshot, rank: number): readonly number[] => [
  rank,
  snapshot.occurredAt ?? UNKNOWN,
];

/** The common rule for facts: one when the status becomes another, which by rank can happen only once per status. */
export const onStatusChange =
  <Status extends string>(kindOf: (status: Status) => string) =>
  (before: EntityState<Status> | undefined, after: EntityState<Status>): readonly Fact[] =>
    before?.status === after.status ? [] : [{ kind: kindOf(after.status), occurrence: '' }];

/** For states that can come about again (another update, another round): one fact whenever what is true now was not before. */
export const onOccurrence =
  <Status extends string>(factOf: (state: EntityState<Status>) => Fact) =>
  (before: EntityState<Status> | undefined, after: EntityState<Status>): readonly Fact[] => {
    const was = before === undefined ? undefined : factOf(before);
    const now = factOf(after);
    return was?.kind === now.kind && was.occurrence === now.occurrence ? [] : [now];
  };

const MAIN_LANE = '';

/** Reads a status field against the known statuses; anything else is "unknown". */
export const statusIn =
  <Status extends string>(statuses: readonly Status[]) =>
  (value: unknown): Status | null =>
    statuses.find((status) => status === value) ?? null;

/**
 * Reads an event. The effective status is the higher of what the event's name stands for and what its snapshot shows: a
 * snapshot may already be further than the event that carries it (docs/reference/razorpay.md "Times": refund.created
 * with status processed).
 */
export const observe = <Status extends string, Event extends string>(
  lifecycle: Lifecycle<Status, Event>,
  snapshot: Snapshot<Event>,
): Observation<Status, Event> | undefined => {
  const implied = lifecycle.table.absent[snapshot.event];
  if (implied === 'stale' || implied === 'rejected') return undefined;
  const shown = lifecycle.shown(snapshot);
  const rankOf = (status: Status): number => lifecycle.statuses.indexOf(status);
  const status = shown !== null && rankOf(shown) > rankOf(implied.to) ? shown : implied.to;
  const values: Record<string, FieldValue> = {};
  for (const name in lifecycle.fields) {
    const field = lifecycle.fields[name] as Field;
    const value = field.read(snapshot);
    if (value !== undefined && (value !== null || field.rule === 'clearable')) values[name] = value;
  }
  return {
    event: snapshot.event,
    status,
    lane: lifecycle.lane?.(snapshot) ?? MAIN_LANE,
    stamp: { order: lifecycle.order(snapshot, rankOf(status)), eventId: snapshot.eventId },
    values,
  };
};

/** The highest of all marks: what decides the status where a family has no rule of its own. */
export const highestMark = <Status extends string>(marks: Readonly<Record<string, Mark<Status>>>): Mark<Status> => {
  const all = Object.values(marks);
  return all.reduce((best, mark) => (compareStamps(mark.stamp, best.stamp) > 0 ? mark : best));
};

/** The family's reducer: joins one observation into what is known. Pure, total, and independent of the order of events. */
export const reducerOf =
  <Status extends string, Event extends string>(
    lifecycle: Lifecycle<Status, Event>,
  ): Reducer<EntityState<Status>, Observation<Status, Event>, Fact> =>
  (current, seen): Verdict<EntityState<Status>, Fact> => {
    const from = current?.status ?? 'absent';
    if (lifecycle.table[from][seen.event] === 'rejected') {
      return { kind: 'rejected', reason: `${seen.event} is not possible from ${from}` };
    }
    const mark = current?.marks[seen.lane];
    const advances = mark === undefined || compareStamps(seen.stamp, mark.stamp) > 0;
    const marks = advances
      ? { ...current?.marks, [seen.lane]: { stamp: seen.stamp, status: seen.status } }
      : (current?.marks ?? {});
    const { values, stamps } = mergeFields(lifecycle.fields, current, seen);
    const next: EntityState<Status> = {
      status: (lifecycle.decide ?? highestMark)(marks).status,
      marks,
      values,
      stamps,
    };
    const facts = lifecycle.facts(current, next);
    if (advances) return { kind: 'applied', next, facts };
    return { kind: 'stale', next, facts, reason: `a newer snapshot with status ${mark.status} is already applied` };
  };

const mergeFields = (
  fields: Readonly<Record<string, Field>>,
  current: EntityState | undefined,
  seen: Observation,
): Pick<EntityState, 'values' | 'stamps'> => {
  const values: Record<string, FieldValue> = { ...current?.values };
  const stamps: Record<string, Stamp> = { ...current?.stamps };
  for (const name in seen.values) {
    const value = seen.values[name] as FieldValue;
    const rule = fields[name]?.rule ?? 'latest';
    if (rule === 'latest' || rule === 'clearable') {
      const stamp = stamps[name];
      if (stamp !== undefined && compareStamps(seen.stamp, stamp) <= 0) continue;
      values[name] = value;
      stamps[name] = seen.stamp;
    } else {
      values[name] = extreme(rule, values[name], value);
    }
  }
  return { values, stamps };
};

const extreme = (rule: 'highest' | 'lowest' | 'ever', known: FieldValue | undefined, value: FieldValue): FieldValue => {
  if (known === undefined || known === null) return value;
  if (rule === 'ever') return known === true || value === true;
  const [a, b] = [Number(known), Number(value)];
  return rule === 'highest' ? Math.max(a, b) : Math.min(a, b);
};
