import type { OperatorAction } from '#apply';
import { AFTERWARDS } from '#catalogue';
import type { JobPriority, NotificationStatus } from '#catalogue';
import { adHoc, auditInsert } from '#platform/postgres';
import type { Database, Transaction } from '#platform/postgres';

/** Which notifications are meant; every field that is given must hold. */
export interface NotificationFilter {
  readonly status?: NotificationStatus;
  readonly destination?: string;
  /** A fact, such as `dispute.opened`. */
  readonly kind?: string;
  readonly entity?: string;
  readonly id?: string;
  readonly rule?: string;
  /** Part of the reason, in any case. */
  readonly cause?: string;
  /** Last changed at least this long ago, in ms. */
  readonly olderThanMs?: number;
  /** Last changed less than this long ago, in ms. */
  readonly newerThanMs?: number;
  /** Delivered at this time or later, and before that one. */
  readonly deliveredSince?: Date;
  readonly deliveredUntil?: Date;
  /** Without reminders, which speak of a time to come. */
  readonly factsOnly?: true;
}

/** One notification as it is shown. */
export interface ShownNotification {
  readonly id: string;
  readonly status: NotificationStatus;
  readonly destination: string;
  readonly kind: string;
  readonly family: string;
  readonly entity: string;
  readonly rule: string;
  /** A reminder's hours before its time; null for what is told at once. */
  readonly hoursBefore: number | null;
  readonly attempts: number;
  readonly factAt: Date;
  /** Of one that is still to be sent. */
  readonly nextAttemptAt: Date | null;
  readonly deliveredAt: Date | null;
  readonly response: string | null;
  readonly reason: string | null;
  readonly updatedAt: Date;
}

export interface StatusCount {
  readonly destination: string;
  readonly status: NotificationStatus;
  readonly count: number;
}

/**
 * The conditions of the fields that are given, with their values from $1 on; so that each can be answered by its index.
 */
const conditionOf = (filter: NotificationFilter): { readonly where: string; readonly values: readonly unknown[] } => {
  const asked = [
    [filter.destination, (value: string) => `destination = ${value}`],
    [filter.kind, (value: string) => `kind = ${value}`],
    [filter.entity, (value: string) => `entity_key = ${value}`],
    [filter.id, (value: string) => `id = ${value}`],
    [filter.rule, (value: string) => `rule = ${value}`],
    [filter.cause, (value: string) => `strpos(lower(reason), lower(${value})) > 0`],
    [filter.olderThanMs, (value: string) => `updated_at <= now() - ${value}::float8 * interval '1 millisecond'`],
    [filter.newerThanMs, (value: string) => `updated_at > now() - ${value}::float8 * interval '1 millisecond'`],
    [filter.deliveredSince, (value: string) => `delivered_at >= ${value}::timestamptz`],
    [filter.deliveredUntil, (value: string) => `delivered_at < ${value}::timestamptz`],
    [filter.factsOnly, (value: string) => `(reminder IS NULL) = ${value}::boolean`],
  ] as const;
  const given = asked.filter(([value]) => value !== undefined);
  // As a literal, because a partial index does not serve a condition whose value comes later; it is one of five words.
  const status = filter.status === undefined ? 'true' : `status = '${filter.status}'`;
  return {
    where: [status, ...given.map(([, condition], index) => condition(`$${index + 1}`))].join(' AND '),
    values: given.map(([value]) => value),
  };
};

/** `latest`: those that changed last come first. `told`: in the order of their facts. */
export const listNotifications = async (
  database: Transaction,
  filter: NotificationFilter,
  limit: number,
  order: 'latest' | 'told' = 'latest',
): Promise<readonly ShownNotification[]> => {
  const { where, values } = conditionOf(filter);
  return database.query<ShownNotification>(
    adHoc(`SELECT id, status, destination, kind, family, entity_key AS entity, rule,
      (reminder->>'hours')::float8 AS "hoursBefore", attempts, fact_at AS "factAt",
                  CASE WHEN status IN ('pending', 'retrying') THEN next_attempt_at END AS "nextAttemptAt",
                    delivered_at AS "deliveredAt", response, reason, updated_at AS "updatedAt"
             FROM notifications WHERE ${where} ORDER BY ${order === 'latest' ? 'updated_at DESC' : 'fact_id'}, id
               LIMIT ${limit}`),
    values,
  );
};

export const countNotifications = async (
  database: Transaction,
  filter: NotificationFilter,
): Promise<readonly StatusCount[]> => {
  const { where, values } = conditionOf(filter);
  return database.query<StatusCount>(
    adHoc(
      `SELECT destination, status, count(*) FROM notifications WHERE ${where} GROUP BY destination, status
        ORDER BY destination, status`,
    ),
    values,
  );
};

/** A notification that is to be sent again: what its job is made of. */
export interface RevivedNotification {
  readonly id: string;
  readonly destination: string;
  readonly priority: JobPriority;
}

/** Rows per transaction. */
const CHUNK = 1_000;

/** What becomes of a row by the status that it is revived from: SQL. */
const REVIVALS = {
  failed: { action: 'notification.retry', order: 'updated_at', set: '', was: "''" },
  delivered: {
    action: 'notification.resend',
    order: 'fact_id',
    set: `, response = NULL, delivered_at = NULL, priority = ${AFTERWARDS}`,
    was: `' (it was delivered at ' || to_char(was AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || ')'`,
  },
} as const satisfies Partial<Record<NotificationStatus, object>>;

/**
 * Makes failed or delivered notifications pending again, with all their attempts, their ids and their facts' numbers,
 * and says in audit_logs who did it and why. Answers chunk by chunk, each committed; what ends again meanwhile is not
 * taken a second time. `shown`: only those, and only as they were then.
 */
export async function* sendAgain(
  database: Database,
  from: keyof typeof REVIVALS,
  filter: Omit<NotificationFilter, 'status'>,
  { who, reason }: OperatorAction,
  shown?: readonly Pick<ShownNotification, 'id' | 'updatedAt'>[],
): AsyncGenerator<readonly RevivedNotification[]> {
  const { where, values } = conditionOf({ ...filter, status: from });
  const [started] = await database.query<{ readonly at: string }>(adHoc('SELECT clock_timestamp()::text AS at'));
  const at = (offset: number): string => `$${values.length + offset}`;
  const { action, order, set, was } = REVIVALS[from];
  const revive = adHoc(`
    WITH chosen AS (
      SELECT id, delivered_at AS was FROM notifications WHERE updated_at <= ${at(1)}::timestamptz AND ${where}
         AND (${at(4)}::text[] IS NULL OR (id, date_trunc('milliseconds', updated_at)) IN (SELECT *
           FROM unnest(${at(4)}::text[], ${at(5)}::timestamptz[])))
       ORDER BY ${order} LIMIT ${CHUNK} FOR UPDATE),
    revived AS (
      UPDATE notifications n SET status = 'pending', attempts = 0, reason = NULL, next_attempt_at = now(),
        updated_at = clock_timestamp()${set}
        FROM chosen WHERE n.id = chosen.id RETURNING n.id, n.destination, n.priority, n.family, n.entity_key, n.fact_id,
          was),
    audited AS (
      ${auditInsert({ actor: at(2), action: `'${action}'`, family: 'family', key: 'entity_key', reason: `id || ': ' || ${at(3)} || ${was}` }, 'revived')})
    SELECT id, destination, priority FROM revived ORDER BY fact_id, id`);
  for (;;) {
    const revived = await database.query<RevivedNotification>(revive, [
      ...values,
      started?.at,
      `operator:${who}`,
      reason,
      shown?.map(({ id }) => id) ?? null,
      shown?.map(({ updatedAt }) => updatedAt.toISOString()) ?? null,
    ]);
    if (revived.length === 0) return;
    yield revived;
  }
}
