import { areContrary, claimOf, isUnknownWord } from './claim.ts';
import type { Ends } from './claim.ts';
import { notAhead } from './field.ts';
import type { Field, FieldValue, Snapshot } from './field.ts';
import type { Note } from './note.ts';
import { readFields } from './read-fields.ts';
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
  /** Which snapshot each value of a stamped field (`isStamped`) came from. */
  readonly stamps: Readonly<Record<string, Stamp>>;
}

/** One event, read: what it says of the status and of each field. */
export interface Observation<Status extends string = string, Event extends string = string> {
  readonly event: Event;
  readonly status: Status;
  readonly lane: string;
  readonly stamp: Stamp;
  /** Where the snapshot stands by its own age, for the fields that follow the newest. */
  readonly newest: Stamp;
  readonly values: Readonly<Record<string, FieldValue>>;
  readonly notes: readonly Note[];
  /** The end that the event's name stands for, where the snapshot shows another that excludes it. */
  readonly against: Status | null;
  readonly denied: readonly Denial[];
  readonly isSighting?: true;
}

/** What the event's name says, and its own snapshot says otherwise, where that is no status: funds, a suspension. */
export interface Denial {
  /** In a word, which tells it from others of the family. */
  readonly what: string;
  /** In a sentence for a person, without a full stop: both sides, and which of them counts. */
  readonly text: string;
}

/** What became true. `occurrence` tells repeats of one kind apart; '' for what can become true only once per entity. */
export interface Fact {
  readonly kind: string;
  readonly occurrence: string;
}

/** Everything that is particular to one family. */
export interface Lifecycle<Status extends string, Event extends string> extends Ends<Status> {
  /** `absent` names the status that an event by itself stands for. */
  readonly table: TransitionTable<Status, Event>;
  /** Every column of the state table, by column name. */
  readonly fields: Readonly<Record<string, Field>>;
  /** What the snapshot has for its status, as it is. */
  readonly shown: (snapshot: Snapshot<Event>) => unknown;
  /** The fact that is told of a contradiction; null where there are not two ends. */
  readonly contradicted: string | null;
  /** Each is a contradiction of its own, told under its event: it can come about again. Left out: there is none. */
  readonly denials?: (snapshot: Snapshot<Event>) => readonly Denial[];
  /** Ends follow one another by time, so that one after another is a contradiction too, and not the usual course. */
  readonly isLaterEndContrary?: true;
  /** How new a snapshot is, first number first. Left out: the envelope's time. */
  readonly age?: (snapshot: Snapshot<Event>) => readonly number[];
  /** What decides between snapshots, first number first. The usual order is rank, then time: `byRankThenTime`. */
  readonly order: (snapshot: Snapshot<Event>, rank: number) => readonly number[];
  /**
   * Snapshots of different lanes do not compete for the status; `decide` chooses between the lanes' marks. `status` is
   * the one that the snapshot claims.
   */
  readonly lane?: (snapshot: Snapshot<Event>, status: Status) => string;
  readonly decide?: (marks: Readonly<Record<string, Mark<Status>>>) => Mark<Status>;
  readonly facts: (before: EntityState<Status> | undefined, after: EntityState<Status>) => readonly Fact[];
  /** Events of the family are kept as they are: each tells its own facts, whatever came before, and none is stale. */
  readonly keeps?: (seen: Observation<Status, Event>) => readonly Fact[];
}

/** Rank of status first; between snapshots of equal rank the envelope's time (unknown time stands lowest). */
export const byRankThenTime = (snapshot: Snapshot, rank: number): readonly number[] => [
  rank,
  snapshot.occurredAt ?? UNKNOWN,
];

/**
 * Below the ends rank counts, then time; between ends the later one does, and rank only within one second. The ends
 * stand above every number that `byRankThenTime` gave, by which older rows were ordered (docs/adr/0010).
 */
export const byStageThenTime =
  <Status extends string>(statuses: readonly Status[], ends: readonly Status[]) =>
  (snapshot: Snapshot, rank: number): readonly number[] => [
    ends.some((end) => end === statuses[rank]) ? statuses.length : rank,
    snapshot.occurredAt ?? UNKNOWN,
    rank,
  ];

/** Whether the newest snapshot shows a status that the family does not know. */
export const showsUnknown = (statuses: readonly string[], { values }: EntityState): boolean =>
  isUnknownWord(statuses, values['provider_status']);

/**
 * The common rule for facts: one when the status becomes another, which by rank can happen
 * only once per status. `kindOf` answers null for a status that is no news. Where `ends`
 * follow one another, one that takes the place of another is told under its own event.
 */
export const onStatusChange =
  <Status extends string>(
    kindOf: (status: Status, state: EntityState<Status>) => string | null,
    ends: readonly Status[] = [],
  ) =>
  (before: EntityState<Status> | undefined, after: EntityState<Status>): readonly Fact[] => {
    const [was, kind] = [before === undefined ? null : kindOf(before.status, before), kindOf(after.status, after)];
    if (kind === null || kind === was) return [];
    const isTurn = before !== undefined && ends.includes(before.status);
    return [{ kind, occurrence: isTurn ? highestMark(after.marks).stamp.eventId : '' }];
  };

/**
 * For states that can come about again (another update, another
 * round): one fact whenever what is true now was not before.
 */
export const onOccurrence =
  <Status extends string>(factOf: (state: EntityState<Status>) => Fact) =>
  (before: EntityState<Status> | undefined, after: EntityState<Status>): readonly Fact[] => {
    const was = before === undefined ? undefined : factOf(before);
    const now = factOf(after);
    return was?.kind === now.kind && was.occurrence === now.occurrence ? [] : [now];
  };

/** For what can become true only once: one fact when it does. */
export const onceTrue =
  <Status extends string>(kind: string, isTrue: (state: EntityState<Status>) => boolean) =>
  (before: EntityState<Status> | undefined, after: EntityState<Status>): readonly Fact[] =>
    isTrue(after) && (before === undefined || !isTrue(before)) ? [{ kind, occurrence: '' }] : [];

const MAIN_LANE = '';

/** A time too far after reception is unknown, and named. */
const believed = <Event extends string>(
  snapshot: Snapshot<Event>,
): { readonly snapshot: Snapshot<Event>; readonly notes: readonly Note[] } => {
  const { occurredAt, receivedAt } = snapshot;
  if (occurredAt === null || notAhead(occurredAt, receivedAt) !== undefined) return { snapshot, notes: [] };
  const text = "the event's time lies after its reception and counts as unknown";
  return { snapshot: { ...snapshot, occurredAt: null }, notes: [{ kind: 'unreadable', text }] };
};

/** Reads an event: what it says of the status (`claimOf`) and of each field, and what is odd about it. */
export const observe = <Status extends string, Event extends string>(
  lifecycle: Lifecycle<Status, Event>,
  given: Snapshot<Event>,
): Observation<Status, Event> | undefined => {
  const implied = impliedBy(lifecycle, given);
  if (implied === undefined) return undefined;
  const { snapshot, notes } = believed(given);
  const { eventId } = snapshot;
  const claim = claimOf(lifecycle, lifecycle.shown(snapshot), snapshot, implied);
  const rank = lifecycle.statuses.indexOf(claim.status);
  const read = readFields(lifecycle.fields, snapshot);
  const denied = snapshot.isSighting === true ? [] : (lifecycle.denials?.(snapshot) ?? []);
  const denials = denied.map(({ text }): Note => ({ kind: 'contradiction', text }));
  return {
    event: snapshot.event,
    status: claim.status,
    lane: lifecycle.lane?.(snapshot, claim.status) ?? MAIN_LANE,
    stamp: { order: lifecycle.order(snapshot, rank), eventId },
    newest: { order: [...(lifecycle.age?.(snapshot) ?? [snapshot.occurredAt ?? UNKNOWN]), rank], eventId },
    values: read.values,
    notes: [...notes, ...claim.notes, ...denials, ...read.notes],
    against: claim.against,
    denied,
    ...(snapshot.isSighting && { isSighting: true }),
  };
};

/**
 * The status that the event's name stands for. Of a sighting that is
 * no more than that the entity exists; undefined for no status.
 */
const impliedBy = <Status extends string, Event extends string>(
  { statuses, table }: Lifecycle<Status, Event>,
  { event, isSighting }: Snapshot<Event>,
): Status | undefined => {
  if (isSighting === true) return statuses[0];
  const implied = table.absent[event];
  return implied === 'stale' || implied === 'rejected' ? undefined : implied.to;
};

/** The highest of all marks: what decides the status where a family has no rule of its own. */
export const highestMark = <Status extends string>(marks: Readonly<Record<string, Mark<Status>>>): Mark<Status> => {
  const all = Object.values(marks);
  return all.reduce((best, mark) => (compareStamps(mark.stamp, best.stamp) > 0 ? mark : best));
};

/**
 * What excludes what: the event in itself, the event and what was
 * known, and what is known now. Each is told once per entity.
 */
const clashesOf = <Status extends string, Event extends string>(
  lifecycle: Lifecycle<Status, Event>,
  before: EntityState<Status> | undefined,
  seen: Observation<Status, Event>,
  after: EntityState<Status>,
): { readonly facts: readonly Fact[]; readonly notes: readonly Note[] } => {
  if (lifecycle.contradicted === null) return { facts: [], notes: [] };
  const kind = lifecycle.contradicted;
  const facts: Fact[] = seen.denied.map(({ what }) => ({ kind, occurrence: `${what}:${seen.stamp.eventId}` }));
  const notes: Note[] = [];
  if (seen.against !== null)
    facts.push({ kind, occurrence: `${seen.lane}:name ${seen.against}, snapshot ${seen.status}` });
  if (lifecycle.isLaterEndContrary !== true) return { facts, notes };
  const known = before?.marks[seen.lane]?.status;
  if (known !== undefined && areContrary(lifecycle, known, seen.status)) {
    facts.push({ kind, occurrence: `${seen.lane}:${[known, seen.status].toSorted().join(' and ')}` });
    const text = `both ${known} and ${seen.status} were told: the later counts, ${after.marks[seen.lane]?.status}`;
    notes.push({ kind: 'contradiction', text });
  }
  const [was, now] = [before === undefined ? null : doubtOf(lifecycle, before), doubtOf(lifecycle, after)];
  if (now !== null && now !== was) {
    facts.push({ kind, occurrence: now });
    notes.push({ kind: 'contradiction', text: `the status is ${after.status}, the newest snapshot shows another` });
  }
  return { facts, notes };
};

/** An end that the newest snapshot has left for a status we do not know; null where that is not so. */
const doubtOf = <Status extends string>(
  { statuses, ends }: Ends<Status>,
  { status, values }: EntityState<Status>,
): string | null => {
  const word = values['provider_status'];
  return ends.includes(status) && isUnknownWord(statuses, word) ? `${status} and ${word}` : null;
};

/**
 * The family's reducer: joins one observation into what is known. Pure, total, and independent of the order of events.
 */
export const reducerOf =
  <Status extends string, Event extends string>(
    lifecycle: Lifecycle<Status, Event>,
  ): Reducer<EntityState<Status>, Observation<Status, Event>, Fact> =>
  (current, seen): Verdict<EntityState<Status>, Fact> => {
    const from = current?.status ?? 'absent';
    if (seen.isSighting !== true && lifecycle.table[from][seen.event] === 'rejected') {
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
    const clashes = clashesOf(lifecycle, current, seen, next);
    const facts = [...lifecycle.facts(current, next), ...clashes.facts];
    const notes = [...seen.notes, ...clashes.notes];
    if (lifecycle.keeps !== undefined) return { kind: 'kept', next, facts: lifecycle.keeps(seen), notes };
    if (advances) return { kind: 'applied', next, facts, notes };
    const reason = `a newer snapshot with status ${mark.status} is already applied`;
    return { kind: 'stale', next, facts, notes, reason };
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
    if (rule === 'highest' || rule === 'lowest' || rule === 'ever') {
      values[name] = extreme(rule, values[name], value);
      continue;
    }
    const [stamp, own] = [stamps[name], rule === 'newest' ? seen.newest : seen.stamp];
    if (stamp !== undefined && compareStamps(own, stamp) <= 0) continue;
    values[name] = value;
    stamps[name] = own;
  }
  return { values, stamps };
};

/** The value of a field that keeps one end of all that was seen. */
export const extreme = (
  rule: 'highest' | 'lowest' | 'ever',
  known: FieldValue | undefined,
  value: FieldValue,
): FieldValue => {
  if (known === undefined || known === null) return value;
  if (rule === 'ever') return known === true || value === true;
  const [a, b] = [Number(known), Number(value)];
  return rule === 'highest' ? Math.max(a, b) : Math.min(a, b);
};
