import type { EntityId, EventId, Instant } from './brands.ts';
import { readFlag, readInteger, readJson, readText, readTime, valueAt } from './json.ts';
import type { JsonRecord, JsonValue } from './json.ts';

/** One event as the rules see it: the subject's snapshot and what surrounds it. */
export interface Snapshot<Event extends string = string> {
  readonly event: Event;
  readonly eventId: EventId;
  readonly key: EntityId;
  readonly accountId: string | null;
  /** The body's `created_at`; null when the body has none. */
  readonly occurredAt: Instant | null;
  /** What the event is about: `payload.<subject>.entity`. */
  readonly subject: JsonRecord;
  /** The whole `payload`, for the few fields that lie beside the subject. */
  readonly payload: JsonRecord;
}

/** `bigint` values are safe integers, `timestamptz` values are epoch milliseconds. */
export type FieldType = 'text' | 'bigint' | 'boolean' | 'timestamptz' | 'jsonb';
export type FieldValue = JsonValue;

/**
 * How values of one field from several snapshots become one. Each rule is commutative, associative and idempotent, so that
 * the row does not depend on the order of arrival.
 * - `latest`: the highest-standing snapshot that has a value. null is "unknown" and never erases a value.
 * - `clearable`: the same, but an explicit null is a claim (`error_code: null` on a captured payment clears the failure's).
 * - `highest`: the greatest number seen (amounts that only grow: money never goes backwards).
 * - `lowest`: the smallest number seen (times of a beginning).
 * - `ever`: true once any snapshot said true.
 */
export type FieldRule = 'latest' | 'clearable' | 'highest' | 'lowest' | 'ever';

/** One column of a state table: its type, its merge rule, and where its value lies in a snapshot. */
export interface Field {
  readonly type: FieldType;
  readonly rule: FieldRule;
  /** undefined: the snapshot says nothing. null: it says "none", which only a `clearable` field believes. */
  readonly read: (snapshot: Snapshot) => FieldValue | undefined;
}

type Path = readonly [string, ...string[]];

const reading =
  (type: FieldType, reader: (value: unknown) => FieldValue | undefined) =>
  (rule: FieldRule, path: Path): Field => ({
    type,
    rule,
    read: ({ subject }) => {
      const value = valueAt(subject, path);
      return value === null ? null : reader(value);
    },
  });

const textAt = reading('text', readText);
const integerAt = reading('bigint', readInteger);
const flagAt = reading('boolean', readFlag);
const timeAt = reading('timestamptz', readTime);
const jsonAt = reading('jsonb', readJson);

/** Readers of a field at `path` below the subject. A path element may contain dots. */
export const latest = {
  text: (...path: Path): Field => textAt('latest', path),
  /** Minor units of the row's currency (paise for INR), or a plain count. */
  integer: (...path: Path): Field => integerAt('latest', path),
  flag: (...path: Path): Field => flagAt('latest', path),
  time: (...path: Path): Field => timeAt('latest', path),
  json: (...path: Path): Field => jsonAt('latest', path),
};

export const clearable = {
  text: (...path: Path): Field => textAt('clearable', path),
  time: (...path: Path): Field => timeAt('clearable', path),
  json: (...path: Path): Field => jsonAt('clearable', path),
};

export const highest = {
  integer: (...path: Path): Field => integerAt('highest', path),
  time: (...path: Path): Field => timeAt('highest', path),
};

export const lowest = {
  time: (...path: Path): Field => timeAt('lowest', path),
};

export const ever = { flag: (...path: Path): Field => flagAt('ever', path) };

/** Columns of every state table: the event that stands highest for the row, and that event's time; null when it has none. */
export const provenanceFields = {
  last_event_id: { type: 'text', rule: 'latest', read: ({ eventId }) => eventId },
  last_event_at: { type: 'timestamptz', rule: 'clearable', read: ({ occurredAt }) => occurredAt },
} as const satisfies Record<string, Field>;

/** With the account (with `acc_`) that the envelope names: the merchant, or for partners the sub-merchant. */
export const commonFields = {
  account_id: { type: 'text', rule: 'latest', read: ({ accountId }) => accountId ?? undefined },
  ...provenanceFields,
} as const satisfies Record<string, Field>;
