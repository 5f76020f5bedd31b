import type { KeyRef } from '#apply';
import type { EventName, Family } from '#catalogue';
import { statement } from '#platform/postgres';
import type { Transaction } from '#platform/postgres';

/** Which of what is pending is meant; every field that is given must hold. */
export interface PendingFilter {
  readonly family?: Family;
  /** The event's name; of a parked key, the failing event's. */
  readonly event?: string;
  /** The entity's id. */
  readonly key?: string;
  /** Part of the reason, in any case. */
  readonly cause?: string;
  /** Parked, dead or received at least this long ago, in ms. */
  readonly olderThanMs?: number;
  /** Parked, dead or received less than this long ago, in ms. */
  readonly newerThanMs?: number;
  /** LIST_LIMIT without. */
  readonly limit?: number;
}

/** What a list shows at most when no limit is given. */
const LIST_LIMIT = 1_000;

interface FilterColumns {
  readonly family: string;
  readonly event: string;
  readonly key: string;
  readonly reason: string;
  readonly at: string;
}

/** The filter as a condition over $1 to $6, `filterValues`. */
const conditionOf = ({ family, event, key, reason, at }: FilterColumns): string =>
  `($1::text IS NULL OR ${family} = $1) AND ($2::text IS NULL OR ${event} = $2) AND ($3::text IS NULL OR ${key} = $3)
      AND ($4::text IS NULL OR strpos(lower(${reason}), lower($4)) > 0)
      AND ($5::float8 IS NULL OR ${at} <= now() - $5 * interval '1 millisecond')
      AND ($6::float8 IS NULL OR ${at} > now() - $6 * interval '1 millisecond')`;
export const filterValues = ({
  family,
  event,
  key,
  cause,
  olderThanMs,
  newerThanMs,
}: PendingFilter): readonly unknown[] =>
  [family, event, key, cause, olderThanMs, newerThanMs].map((value) => value ?? null);

export interface ParkedKey extends KeyRef {
  readonly group: string;
  /** Why the event at the head of the queue could not be applied. */
  readonly reason: string;
  readonly failingEventId: string;
  /** Its name. */
  readonly event: EventName;
  readonly parkedAt: Date;
  /** Attempts that the failing event has used. */
  readonly attempts: number;
  readonly lastAttemptAt: Date;
  readonly nextAttemptAt: Date;
  /** Events that wait, the failing one included. */
  readonly waiting: number;
}

/** Over `k` of parked_keys. */
const PARKED_COLUMNS = `k.family, k.entity_key AS key, k.consumer_group AS "group", k.reason, k.failing_event_id AS "failingEventId", head.event_type AS event, k.parked_at AS "parkedAt",
          k.attempts, k.last_attempt_at AS "lastAttemptAt", k.next_attempt_at AS "nextAttemptAt",
          (SELECT count(*) FROM webhook_events e
            WHERE e.family = k.family AND e.entity_key = k.entity_key AND NOT e.processed AND e.verdict = 'parked') AS waiting`;
/** Each parked key with the event at the head of its queue. */
export const PARKED_FROM = `parked_keys k
     LEFT JOIN LATERAL (SELECT e.event_type FROM webhook_events e
            WHERE e.family = k.family AND e.entity_key = k.entity_key AND NOT e.processed AND e.verdict = 'parked'
            ORDER BY e.kafka_topic, e.kafka_partition, e.kafka_offset LIMIT 1) AS head ON true`;
export const PARKED_CONDITION = conditionOf({
  family: 'k.family',
  event: 'head.event_type',
  key: 'k.entity_key',
  reason: 'k.reason',
  at: 'k.parked_at',
});

const LIST_PARKED = statement(
  'list_parked',
  `SELECT ${PARKED_COLUMNS} FROM ${PARKED_FROM} WHERE ${PARKED_CONDITION} ORDER BY k.parked_at, k.family, k.entity_key
    LIMIT $7`,
);

/** Parked keys, the longest parked first. */
export const listParked = async (database: Transaction, filter: PendingFilter = {}): Promise<readonly ParkedKey[]> =>
  database.query<ParkedKey>(LIST_PARKED, [...filterValues(filter), filter.limit ?? LIST_LIMIT]);

export interface DeadLetter extends KeyRef {
  readonly eventId: string;
  readonly event: EventName;
  readonly group: string;
  readonly reason: string;
  readonly attempts: number;
  readonly firstFailedAt: Date;
  readonly deadAt: Date;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number | bigint;
  /** When its topic of dead letters got its copy; null until then. */
  readonly publishedAt: Date | null;
}

/** Over `d` of dead_letters. */
export const DEAD_COLUMNS = `d.family, d.entity_key AS key, d.razorpay_event_id AS "eventId", d.event_type AS event, d.consumer_group AS "group", d.reason, d.attempts,
          d.first_failed_at AS "firstFailedAt", d.dead_at AS "deadAt", d.kafka_topic AS topic, d.kafka_partition AS partition, d.kafka_offset AS "offset", d.published_at AS "publishedAt"`;
export const DEAD_CONDITION = conditionOf({
  family: 'd.family',
  event: 'd.event_type',
  key: 'd.entity_key',
  reason: 'd.reason',
  at: 'd.dead_at',
});

const LIST_DEAD = statement(
  'list_dead',
  `SELECT ${DEAD_COLUMNS} FROM dead_letters d WHERE d.resolution IS NULL AND ${DEAD_CONDITION}
    ORDER BY d.dead_at, d.razorpay_event_id, d.created_at LIMIT $7`,
);

/** Dead letters that somebody has to look at, the longest dead first. */
export const listDead = async (database: Transaction, filter: PendingFilter = {}): Promise<readonly DeadLetter[]> =>
  database.query<DeadLetter>(LIST_DEAD, [...filterValues(filter), filter.limit ?? LIST_LIMIT]);

export interface QuarantinedEvent {
  readonly eventId: string;
  /** The body's own event name; '(none)' where it has none. */
  readonly event: string;
  readonly reason: string;
  readonly receivedAt: Date;
  readonly endpoint: string | null;
  readonly accountId: string | null;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number | bigint;
}

/** Over `e` of webhook_events. */
export const QUARANTINED_COLUMNS = `e.razorpay_event_id AS "eventId", e.event_type AS event, e.reason, e.received_at AS "receivedAt", e.endpoint, e.account_id AS "accountId",
          e.kafka_topic AS topic, e.kafka_partition AS partition, e.kafka_offset AS "offset"`;
export const QUARANTINED_CONDITION = conditionOf({
  family: 'e.family',
  event: 'e.event_type',
  key: 'e.entity_key',
  reason: 'e.reason',
  at: 'e.received_at',
});

const LIST_QUARANTINED = statement(
  'list_quarantined',
  `SELECT ${QUARANTINED_COLUMNS} FROM webhook_events e WHERE NOT e.processed AND e.verdict = 'quarantined'
    AND ${QUARANTINED_CONDITION}
    ORDER BY e.received_at, e.razorpay_event_id, e.created_at LIMIT $7`,
);

/**
 * Events of the quarantine, the longest there first. They have neither family nor key, so a filter by these finds none.
 */
export const listQuarantined = async (
  database: Transaction,
  filter: PendingFilter = {},
): Promise<readonly QuarantinedEvent[]> =>
  database.query<QuarantinedEvent>(LIST_QUARANTINED, [...filterValues(filter), filter.limit ?? LIST_LIMIT]);

/** Another body under an event id that was taken. */
export interface EventConflict {
  /** The id that it came under. */
  readonly eventId: string;
  /** The id that it is kept and applied under; null for one that an earlier release kept without applying it. */
  readonly keptAs: string | null;
  readonly event: string;
  readonly family: Family | null;
  readonly key: string | null;
  readonly receivedAt: Date;
  readonly endpoint: string | null;
  readonly accountId: string | null;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number | bigint;
}

const CONFLICT_CONDITION = conditionOf({
  family: 'c.family',
  event: 'c.event_type',
  key: 'c.entity_key',
  reason: 'c.razorpay_event_id',
  at: 'c.received_at',
});

const LIST_CONFLICTS = statement(
  'list_conflicts',
  `SELECT c.razorpay_event_id AS "eventId", c.kept_as AS "keptAs", c.event_type AS event, c.family, c.entity_key AS key,
    c.received_at AS "receivedAt",
          c.endpoint, c.account_id AS "accountId", c.kafka_topic AS topic, c.kafka_partition AS partition,
            c.kafka_offset AS "offset"
     FROM event_conflicts c WHERE ${CONFLICT_CONDITION} ORDER BY c.recorded_at, c.razorpay_event_id, c.body_sha256
       LIMIT $7`,
);

/** Conflicts, the oldest first. A filter's `cause` is a part of the event id here. */
export const listConflicts = async (
  database: Transaction,
  filter: PendingFilter = {},
): Promise<readonly EventConflict[]> =>
  database.query<EventConflict>(LIST_CONFLICTS, [...filterValues(filter), filter.limit ?? LIST_LIMIT]);
