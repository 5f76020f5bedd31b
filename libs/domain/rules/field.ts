import type { EntityId, EventId, Instant } from './brands.ts';
import { foldInto } from './fold.ts';
import { readCleanText, readFlag, readInteger, readJson, readTime, valueAt } from './json.ts';
import type { JsonRecord, JsonValue } from './json.ts';

/** One event as the rules see it: the subject's snapshot and what surrounds it. */
export interface Snapshot<Event extends string = string> {
  readonly event: Event;
  readonly eventId: EventId;
  readonly key: EntityId;
  readonly accountId: string | null;
  /** The body's `created_at`; null when the body has none. */
  readonly occurredAt: Instant | null;
  /** When the event was received; without it no time counts as too far ahead. */
  readonly receivedAt?: Instant;
  /** What the event is about: `payload.<subject>.entity`. Of a sighting: the entity that stood beside it. */
  readonly subject: JsonRecord;
  /**
   * The entity stood beside the event's subject: the event's name
   * says nothing of its status. `occurredAt` is `sightedAt`.
   */
  readonly isSighting?: true;
  /** The whole `payload`, for the few fields that lie beside the subject. */
  readonly payload: JsonRecord;
}

/** `bigint` values are safe integers, `timestamptz` values are epoch milliseconds. */
export type FieldType = 'text' | 'bigint' | 'boolean' | 'timestamptz' | 'jsonb';
export type FieldValue = JsonValue;

/**
 * How values of one field from several snapshots become one. Each rule is commutative, associative and idempotent, so
 * that the row does not depend on the order of arrival.
 * - `latest`: the highest-standing snapshot that has a value. null is "unknown" and never erases a value.
 * - `clearable`: the same, but an explicit null is a claim
 *   (`error_code: null` on a captured payment clears the failure's).
 * - `highest`: the greatest number seen (amounts that only grow: money never goes backwards).
 * - `lowest`: the smallest number seen (what is still due).
 * - `ever`: true once any snapshot said true.
 * - `newest`: the snapshot that is the newest by its own time (`age` of the lifecycle), whatever its status.
 */
export type FieldRule = 'latest' | 'clearable' | 'highest' | 'lowest' | 'ever' | 'newest';

/** Where a value lies in a snapshot, and how values of several snapshots become one. */
export interface Reading {
  readonly type: FieldType;
  readonly rule: FieldRule;
  /** undefined: the snapshot says nothing. null: it says "none", which only a `clearable` field believes. */
  readonly read: (snapshot: Snapshot) => FieldValue | undefined;
  /**
   * Asked where `read` has nothing: whether something is there that
   * cannot be read. It is then unknown, and is named in the audit.
   */
  readonly isUnreadable?: (snapshot: Snapshot) => boolean;
}

/** Whether the row keeps which snapshot a field's value came from. */
export const isStamped = ({ rule }: Pick<Reading, 'rule'>): boolean =>
  rule === 'latest' || rule === 'clearable' || rule === 'newest';

/**
 * One column of a state table, as every reader of it sees it: the store, rules of notifications, receivers, docs, the
 * simulator. Times are epoch milliseconds, amounts (`*_minor`) minor units of the row's `currency`.
 */
export interface Field extends Reading {
  /** What the column says, in a sentence for a person. */
  readonly words: string;
  /**
   * Says something about a person, or is free text in which somebody
   * may have written such a thing: not sent unless asked for.
   */
  readonly personal: boolean;
  /** All values that the provider documents, where that list is closed. */
  readonly values?: readonly string[];
  /** How people ask for the entity by this column; left out where they do not. */
  readonly searchedAs?: SearchedAs;
}

/**
 * `text`: equal to the whole value, by an index of the column. The others are personal: by a keyed digest of the value
 * in one spelling, so that no index holds an address or a number.
 */
export type SearchedAs = 'text' | ContactKind;
export const contactKinds = ['email', 'phone', 'vpa'] as const;
export type ContactKind = (typeof contactKinds)[number];

/** The column with how it is searched. */
export const searched = (searchedAs: SearchedAs, field: Field): Field => ({ ...field, searchedAs });

/** A column that says nothing about a person. */
export const column = (words: string, reading: Reading): Field => ({ ...reading, words, personal: false });
/** A column that does, or may. */
export const personal = (words: string, reading: Reading): Field => ({ ...reading, words, personal: true });
/** A column with a closed list of documented values. An unknown value is kept all the same. */
export const oneOf = (values: readonly string[], words: string, reading: Reading): Field => ({
  ...column(words, folded(values, reading)),
  values,
});

/** Texts that mean one of `values` read as that one (`foldInto`); all others stay as they are. */
export const folded = (values: readonly string[], reading: Reading): Reading => ({
  ...reading,
  read: (snapshot) => {
    const text = reading.read(snapshot);
    return foldInto(values, text) ?? text;
  },
});

/** The first of two places that has a value: bodies of one event differ in where they put it. */
export const either = (one: Reading, other: Reading): Reading => ({
  ...one,
  read: (snapshot) => one.read(snapshot) ?? other.read(snapshot),
  isUnreadable: (snapshot) => one.isUnreadable?.(snapshot) === true || other.isUnreadable?.(snapshot) === true,
});

type Path = readonly [string, ...string[]];

/** What Razorpay writes for "nothing" in a field of any type (docs/reference/razorpay.md "Envelope"). */
const isNothing = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === '' ||
  (typeof value === 'object' && Object.keys(value).length === 0);
/** An unset time is 0 in payment links (docs/reference/razorpay.md "Envelope"). */
const isUnset = (value: unknown): boolean => isNothing(value) || value === 0 || value === '0';

type Reader = (value: unknown, snapshot: Snapshot) => FieldValue | undefined;

const reading =
  (type: FieldType, reader: Reader) =>
  (rule: FieldRule, path: Path): Reading => ({
    type,
    rule,
    read: (snapshot) => {
      const value = valueAt(snapshot.subject, path);
      return value === null ? null : reader(value, snapshot);
    },
    isUnreadable: ({ subject }) => !(type === 'timestamptz' ? isUnset : isNothing)(valueAt(subject, path)),
  });

/**
 * How far a time may lie after reception and still be believed: more
 * than clocks are apart, less than what would hide later events.
 */
const AHEAD_MAX_MS = 24 * 60 * 60 * 1000;

/**
 * A time that must have come when the event was received, epoch
 * milliseconds; undefined when it lies further ahead than clocks do.
 */
export const readPast = (value: unknown, { receivedAt }: Pick<Snapshot, 'receivedAt'>): number | undefined =>
  notAhead(readTime(value), receivedAt);

/** The time, unless it lies too far after reception. */
export const notAhead = <Time extends number>(time: Time | undefined, receivedAt?: Instant): Time | undefined =>
  time !== undefined && receivedAt !== undefined && time > receivedAt + AHEAD_MAX_MS ? undefined : time;

/**
 * How new a sighting is: the later of its own `created_at` and the envelope's time, which
 * for some events is not the event's but that of something older (payment_link.paid: the
 * link's creation). A time too far after reception counts as unknown.
 */
export const sightedAt = (
  subject: JsonRecord,
  occurredAt: Instant | null,
  receivedAt: Instant | undefined,
): Instant | null => {
  const created = notAhead(readTime(subject['created_at']), receivedAt) as Instant | undefined;
  const known = [notAhead(occurredAt ?? undefined, receivedAt), created].filter((time) => time !== undefined);
  return known.length === 0 ? null : known.reduce((one, other) => (other > one ? other : one));
};

const textAt = reading('text', readCleanText);
const integerAt = reading('bigint', readInteger);
const flagAt = reading('boolean', readFlag);
const timeAt = reading('timestamptz', readTime);
const pastAt = reading('timestamptz', readPast);
const jsonAt = reading('jsonb', readJson);

/** Readers of a field at `path` below the subject. A path element may contain dots. */
export const latest = {
  text: (...path: Path): Reading => textAt('latest', path),
  /** Minor units of the row's currency (paise for INR), or a plain count. */
  integer: (...path: Path): Reading => integerAt('latest', path),
  flag: (...path: Path): Reading => flagAt('latest', path),
  /** A time that may lie ahead: a deadline, an expected end. */
  time: (...path: Path): Reading => timeAt('latest', path),
  /** A time of something that has happened. */
  past: (...path: Path): Reading => pastAt('latest', path),
  json: (...path: Path): Reading => jsonAt('latest', path),
};

export const clearable = {
  text: (...path: Path): Reading => textAt('clearable', path),
  time: (...path: Path): Reading => timeAt('clearable', path),
  past: (...path: Path): Reading => pastAt('clearable', path),
  json: (...path: Path): Reading => jsonAt('clearable', path),
};

export const highest = {
  integer: (...path: Path): Reading => integerAt('highest', path),
  past: (...path: Path): Reading => pastAt('highest', path),
};

export const lowest = {
  integer: (...path: Path): Reading => integerAt('lowest', path),
  time: (...path: Path): Reading => timeAt('lowest', path),
};

export const ever = { flag: (...path: Path): Reading => flagAt('ever', path) };

const eventTime: Reading = { type: 'timestamptz', rule: 'clearable', read: ({ occurredAt }) => occurredAt };

/**
 * Columns of every state table: the event that stands highest for the
 * row, and that event's time; null when it has none.
 */
export const provenanceFields = {
  last_event_id: column('Event that the row stands on.', {
    type: 'text',
    rule: 'latest',
    read: ({ eventId }) => eventId,
  }),
  last_event_at: column("That event's own time; unknown when it has none.", eventTime),
} as const satisfies Record<string, Field>;

/** Razorpay's own word for the status, as the newest snapshot writes it. */
export const providerStatus: Reading = {
  type: 'text',
  rule: 'newest',
  read: ({ subject }) => readCleanText(valueAt(subject, ['status'])),
};

/** With the account (with `acc_`) that the envelope names: the merchant, or for partners the sub-merchant. */
export const commonFields = {
  account_id: column('Account that the event came for, with acc_: the merchant or a sub-merchant.', {
    type: 'text',
    rule: 'latest',
    read: ({ accountId }) => accountId ?? undefined,
  }),
  provider_status: column("Status in Razorpay's own word, also one that Dakia does not know.", providerStatus),
  ...provenanceFields,
} as const satisfies Record<string, Field>;
