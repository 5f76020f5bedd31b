import type { KeyRef } from '#apply';
import { statement } from '#platform/postgres';
import type { Transaction } from '#platform/postgres';
import { WAITING_COLUMNS } from './pending-export.ts';
import type { WaitingEvent, WithBody } from './pending-export.ts';
import { DEAD_COLUMNS, listParked, QUARANTINED_COLUMNS } from './pending-lists.ts';
import type { DeadLetter, ParkedKey, QuarantinedEvent } from './pending-lists.ts';

/** One line of audit_logs. */
export interface HistoryEntry {
  readonly at: Date;
  readonly actor: string;
  readonly action: string;
  readonly eventId: string | null;
  readonly event: string | null;
  readonly verdict: string | null;
  readonly from: string | null;
  readonly to: string | null;
  readonly reason: string | null;
}

export interface ParkedDetails extends ParkedKey {
  /** When the failing event failed for the first time; null when it was not tried yet. */
  readonly firstFailedAt: Date | null;
  /** The event at the head of the queue; null only in the moment in which the queue runs empty. */
  readonly head: WithBody<WaitingEvent> | null;
  /** What waits behind it, at most BEHIND_MAX. */
  readonly behind: readonly WaitingEvent[];
  /** Of the entity, the newest first. */
  readonly history: readonly HistoryEntry[];
}

export interface DeadDetails extends WithBody<DeadLetter> {
  readonly receivedAt: Date;
  readonly endpoint: string;
  readonly accountId: string | null;
  /** What became of it; null while somebody has to look at it. */
  readonly resolution: 'retried' | 'discarded' | null;
  readonly resolvedAt: Date | null;
  readonly resolvedBy: string | null;
  readonly resolvedReason: string | null;
  /** Of the entity, the newest first. */
  readonly history: readonly HistoryEntry[];
}

/** What is shown of a long queue, and of a long history. */
const BEHIND_MAX = 20;
const HISTORY_MAX = 20;

const HISTORY = statement(
  'entity_history',
  `SELECT at, actor, action, razorpay_event_id AS "eventId", event_type AS event, verdict, from_status AS "from",
    to_status AS "to", reason
     FROM audit_logs WHERE entity_key = $2 AND family = $1 ORDER BY id DESC LIMIT $3`,
);
const historyOf = async (database: Transaction, { family, key }: KeyRef): Promise<readonly HistoryEntry[]> =>
  database.query<HistoryEntry>(HISTORY, [family, key, HISTORY_MAX]);

const FIRST_FAILED = statement(
  'show_first_failed',
  'SELECT first_failed_at AS "firstFailedAt" FROM parked_keys WHERE family = $1 AND entity_key = $2',
);
const SHOW_WAITING = statement(
  'show_waiting',
  `SELECT ${WAITING_COLUMNS}, CASE WHEN row_number() OVER queue = 1 THEN e.payload END AS "rawBody"
     FROM parked_keys k JOIN webhook_events e ON e.family = k.family AND e.entity_key = k.entity_key AND NOT e.processed
       AND e.verdict = 'parked'
    WHERE k.family = $1 AND k.entity_key = $2
   WINDOW queue AS (ORDER BY e.kafka_topic, e.kafka_partition, e.kafka_offset)
    ORDER BY e.kafka_topic, e.kafka_partition, e.kafka_offset LIMIT $3`,
);

/** All that a person needs to judge a parked key; undefined when it is not parked. */
export const showParked = async (database: Transaction, ref: KeyRef): Promise<ParkedDetails | undefined> => {
  const [parked] = await listParked(database, { family: ref.family, key: ref.key, limit: 1 });
  const [failed] = await database.query<{ firstFailedAt: Date | null }>(FIRST_FAILED, [ref.family, ref.key]);
  if (parked === undefined || failed === undefined) return undefined;
  const [head, ...behind] = await database.query<WaitingEvent & { readonly rawBody: Buffer | null }>(SHOW_WAITING, [
    ref.family,
    ref.key,
    BEHIND_MAX + 1,
  ]);
  return {
    ...parked,
    ...failed,
    head: head === undefined ? null : { ...head, rawBody: head.rawBody ?? Buffer.alloc(0) },
    behind: behind.map(({ rawBody: _, ...event }) => event),
    history: await historyOf(database, ref),
  };
};

const SHOW_DEAD = statement(
  'show_dead',
  `SELECT ${DEAD_COLUMNS}, d.resolution, d.resolved_at AS "resolvedAt", d.resolved_by AS "resolvedBy",
    d.resolved_reason AS "resolvedReason",
          e.received_at AS "receivedAt", e.endpoint, e.account_id AS "accountId", e.payload AS "rawBody"
     FROM dead_letters d JOIN webhook_events e ON e.razorpay_event_id = d.razorpay_event_id
       AND e.created_at = d.created_at
    WHERE d.razorpay_event_id = $1 ORDER BY d.resolution IS NOT NULL, d.created_at LIMIT 1`,
);

/**
 * All that a person needs to judge a dead letter, also one that somebody
 * has dealt with; undefined when there is none of that event id.
 */
export const showDead = async (database: Transaction, eventId: string): Promise<DeadDetails | undefined> => {
  const [dead] = await database.query<Omit<DeadDetails, 'history'>>(SHOW_DEAD, [eventId]);
  return dead === undefined ? undefined : { ...dead, history: await historyOf(database, dead) };
};

const SHOW_QUARANTINED = statement(
  'show_quarantined',
  `SELECT ${QUARANTINED_COLUMNS}, e.payload AS "rawBody" FROM webhook_events e WHERE e.razorpay_event_id = $1
    AND e.verdict = 'quarantined' ORDER BY e.created_at LIMIT 1`,
);

/** An event of the quarantine with its body; undefined when there is none of that event id. */
export const showQuarantined = async (
  database: Transaction,
  eventId: string,
): Promise<WithBody<QuarantinedEvent> | undefined> =>
  (await database.query<WithBody<QuarantinedEvent>>(SHOW_QUARANTINED, [eventId]))[0];
