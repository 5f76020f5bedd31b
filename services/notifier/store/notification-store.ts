import type { Family, JobPriority, NotificationStatus } from '#catalogue';
import type { LabelsOf } from '#platform/metrics';
import { arraysOf, statement, unnested } from '#platform/postgres';
import type { Column, Transaction } from '#platform/postgres';
import type { Span } from '#platform/trace';
import type { Instant } from '#rules';
import type { PlannedNotification, PlannedReminder } from '../rules/plan.ts';
import type { StoredFact } from './stored-fact.ts';
import type { EntityRef } from './subject-rows.ts';

/** A row of `notifications`: who is told of which fact, and how far that has come. */
export interface StoredNotification extends StoredFact {
  readonly id: string;
  readonly rule: string;
  readonly destination: string;
  readonly priority: JobPriority;
  readonly reminder: PlannedReminder | null;
  readonly status: NotificationStatus;
  readonly attempts: number;
  readonly nextAttemptAt: Instant;
}

const epoch = (column: string): string => `round(date_part('epoch', ${column}) * 1000)`;

const NOTIFICATION = `SELECT id, fact_id AS "factId", kind, occurrence, family, entity_key AS "entityKey",
  ${epoch('fact_at')} AS "factAt", endpoint,
         rule, destination, priority, reminder, status, attempts, ${epoch('next_attempt_at')} AS "nextAttemptAt",
           traceparent, (SELECT payload->>'eventId' FROM outbox WHERE outbox.id = fact_id) AS "eventId"
      FROM notifications`;
const LOAD = statement('notifications_load', `${NOTIFICATION} WHERE id = ANY($1::text[])`);

/** The rows of these ids, in no order; an id that has none is not in the answer. */
export const loadNotifications = async (
  database: Transaction,
  ids: readonly string[],
): Promise<readonly StoredNotification[]> => database.query<StoredNotification>(LOAD, [ids]);

/** One notification to be, and the fact that asks for it. */
export interface ToPlan {
  readonly fact: StoredFact;
  readonly planned: PlannedNotification;
  /** Of its being given to its destination's queue, where traces are on. */
  readonly span?: Span;
}

/** A row that was made, or made anew: its job is to be scheduled. */
export interface JobRequest {
  readonly id: string;
  readonly destination: string;
  readonly priority: JobPriority;
  readonly dueAt: Instant;
  /** It was there before and was cancelled, so there may be an old job of it. */
  readonly again: boolean;
  /** W3C trace context that its delivery goes on with. */
  readonly traceparent: string | null;
}

const PLANNED_COLUMNS: readonly Column<ToPlan>[] = [
  { name: 'id', type: 'text', of: ({ planned }) => planned.id },
  { name: 'fact_id', type: 'bigint', of: ({ fact }) => fact.factId },
  { name: 'kind', type: 'text', of: ({ fact }) => fact.kind },
  { name: 'occurrence', type: 'text', of: ({ fact }) => fact.occurrence },
  { name: 'family', type: 'text', of: ({ fact }) => fact.family },
  { name: 'entity_key', type: 'text', of: ({ fact }) => fact.entityKey },
  { name: 'fact_at', type: 'float8', of: ({ fact }) => fact.factAt },
  { name: 'endpoint', type: 'text', of: ({ fact }) => fact.endpoint },
  { name: 'rule', type: 'text', of: ({ planned }) => planned.rule },
  { name: 'destination', type: 'text', of: ({ planned }) => planned.destination },
  { name: 'priority', type: 'smallint', of: ({ planned }) => planned.priority },
  {
    name: 'reminder',
    type: 'text',
    of: ({ planned: { reminder } }) => (reminder === null ? null : JSON.stringify(reminder)),
  },
  { name: 'due', type: 'float8', of: ({ planned }) => planned.sendAt },
  { name: 'traceparent', type: 'text', of: ({ fact, span }) => span?.traceparent ?? fact.traceparent },
];

/**
 * The id makes it happen once. What was cancelled lives again when it is planned again: the entity came back with the
 * same time, or the rule came back into the file. What was sent does not.
 */
const PLAN = statement(
  'notifications_plan',
  `INSERT INTO notifications AS present
          (id, fact_id, kind, occurrence, family, entity_key, fact_at, endpoint,
           rule, destination, priority, reminder, next_attempt_at, traceparent)
   SELECT id, fact_id, kind, occurrence, family, entity_key, to_timestamp(fact_at / 1000), endpoint,
          rule, destination, priority, reminder::jsonb, to_timestamp(due / 1000), traceparent
     FROM ${unnested(PLANNED_COLUMNS, 1, 'given')}
   ON CONFLICT (id) DO UPDATE
      SET status = 'pending', reason = NULL, fact_id = EXCLUDED.fact_id, kind = EXCLUDED.kind,
          occurrence = EXCLUDED.occurrence, fact_at = EXCLUDED.fact_at, endpoint = EXCLUDED.endpoint,
            rule = EXCLUDED.rule,
          priority = EXCLUDED.priority, next_attempt_at = EXCLUDED.next_attempt_at, traceparent = EXCLUDED.traceparent,
          updated_at = clock_timestamp()
    WHERE present.status = 'cancelled'
   RETURNING id, destination, priority, ${epoch('next_attempt_at')} AS "dueAt", xmax <> 0 AS again, traceparent`,
);

/**
 * Makes the rows that are not there yet, and answers which. In the order
 * of their ids, so that two who plan the same never wait in a circle.
 */
export const planNotifications = async (tx: Transaction, wanted: readonly ToPlan[]): Promise<readonly JobRequest[]> => {
  if (wanted.length === 0) return [];
  const rows = [...new Map(wanted.map((one) => [one.planned.id, one])).values()].toSorted((a, b) =>
    a.planned.id < b.planned.id ? -1 : 1,
  );
  return tx.query<JobRequest>(PLAN, arraysOf(PLANNED_COLUMNS, rows));
};

const UNDER_WAY = statement(
  'notifications_under_way',
  "SELECT id FROM notifications WHERE id = ANY($1::text[]) AND status <> 'cancelled'",
);

/** Which of these need no planning: they are told, or wait to be, or were given up. */
export const plannedAlready = async (tx: Transaction, ids: readonly string[]): Promise<ReadonlySet<string>> =>
  new Set((await tx.query<{ readonly id: string }>(UNDER_WAY, [ids])).map(({ id }) => id));

const REMINDERS = statement(
  'notifications_reminders',
  `${NOTIFICATION}
    WHERE (entity_key, family) IN (SELECT * FROM unnest($1::text[], $2::text[])) AND reminder IS NOT NULL AND status IN ('pending', 'retrying')
    ORDER BY id FOR UPDATE`,
);

/** The reminders of these entities that are still to be sent, locked. */
export const takeReminders = async (
  tx: Transaction,
  entities: readonly EntityRef[],
): Promise<readonly StoredNotification[]> =>
  entities.length === 0
    ? []
    : tx.query<StoredNotification>(REMINDERS, [entities.map(({ key }) => key), entities.map(({ family }) => family)]);

const CANCEL = statement(
  'notifications_cancel',
  `UPDATE notifications SET status = 'cancelled', reason = given.reason, updated_at = clock_timestamp()
     FROM unnest($1::text[], $2::text[]) AS given (id, reason)
    WHERE notifications.id = given.id AND status IN ('pending', 'retrying') RETURNING notifications.id`,
);

export interface Cancellation {
  readonly id: string;
  readonly reason: string;
}

/** Cancels what has not ended; answers with the ids of those. */
export const cancelNotifications = async (
  tx: Transaction,
  cancellations: readonly Cancellation[],
): Promise<readonly string[]> => {
  if (cancellations.length === 0) return [];
  return (
    await tx.query<{ id: string }>(CANCEL, [
      cancellations.map(({ id }) => id),
      cancellations.map(({ reason }) => reason),
    ])
  ).map(({ id }) => id);
};

/** A notification whose time has come; also the place from which `dueNotifications` goes on. */
export interface DueNotification {
  readonly id: string;
  readonly priority: JobPriority;
  /** next_attempt_at as text, to the microsecond. */
  readonly dueAt: string;
  readonly traceparent: string | null;
}

export interface DueRequest {
  readonly destination: string;
  /** Only what was to be sent by then. */
  readonly by: Instant;
  /** Goes on behind this one. */
  readonly after: DueNotification | undefined;
  readonly limit: number;
}

const DUE = statement(
  'notifications_due',
  `SELECT id, priority, next_attempt_at::text AS "dueAt", traceparent FROM notifications
    WHERE destination = $1 AND status IN ('pending', 'retrying') AND next_attempt_at <= to_timestamp($2::float8 / 1000)
      AND ($3::timestamptz IS NULL OR (next_attempt_at, id) > ($3::timestamptz, $4::text))
    ORDER BY next_attempt_at, id LIMIT $5`,
);

/** What should have been sent, the longest overdue first. */
export const dueNotifications = async (
  database: Transaction,
  { destination, by, after, limit }: DueRequest,
): Promise<readonly DueNotification[]> =>
  database.query<DueNotification>(DUE, [destination, by, after?.dueAt ?? null, after?.id ?? null, limit]);

const LOCK_ENTITIES = statement(
  'notifications_lock_entities',
  `SELECT count(pg_advisory_xact_lock($1::int, place)) FROM (SELECT DISTINCT hashtext(name) AS place
    FROM unnest($2::text[]) AS name ORDER BY 1) AS places`,
);
/** First half of the advisory lock's number: 'ntfy'. */
const LOCK_CLASS = 0x6e746679;

/**
 * From here to the end of the transaction no other relay looks at
 * these entities' reminders. Taken in one order, so never in a circle.
 */
export const lockEntities = async (
  tx: Transaction,
  entities: readonly { readonly family: Family; readonly key: string }[],
): Promise<void> => {
  if (entities.length > 0)
    await tx.query(LOCK_ENTITIES, [LOCK_CLASS, entities.map(({ family, key }) => `${family}:${key}`)]);
};

export interface Stranded {
  readonly destination: string;
  readonly notifications: number;
}

const STRANDED = statement(
  'notifications_stranded',
  `SELECT destination, count(*) AS notifications FROM notifications WHERE status IN ('pending', 'retrying')
    AND destination <> ALL($1::text[]) GROUP BY 1 ORDER BY 1`,
);

/** What waits for destinations other than these. */
export const countStranded = async (database: Transaction, served: readonly string[]): Promise<readonly Stranded[]> =>
  database.query<Stranded>(STRANDED, [served]);

export interface WaitingCount {
  readonly destination: string;
  readonly status: LabelsOf<'dakia_notifications'>['status'];
  readonly notifications: number;
}

/** Each half reads a partial index: nearly all rows are delivered, and those are not looked at. */
const WAITING = statement(
  'notifications_waiting',
  `SELECT destination, status, count(*) AS notifications FROM notifications WHERE status IN ('pending', 'retrying')
    GROUP BY 1, 2
   UNION ALL SELECT destination, status, count(*) FROM notifications WHERE status = 'failed' GROUP BY 1, 2`,
);

export const countWaiting = async (database: Transaction): Promise<readonly WaitingCount[]> =>
  database.query<WaitingCount>(WAITING);
