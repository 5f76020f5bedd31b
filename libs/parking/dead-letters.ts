import { moveCounts, parseBody } from '#apply';
import type { KeyRef, WaitingRow } from '#apply';
import { occurredAtOf } from '#catalogue';
import type { EventName, Family } from '#catalogue';
import { arraysOf, statement, unnested, writeAudit } from '#platform/postgres';
import type { Column, Transaction } from '#platform/postgres';
import type { Instant } from '#rules';

/** Given up: why, after how many attempts, and who says so. */
export interface Burial {
  /** Consumer group of the key. */
  readonly group: string;
  readonly row: Omit<WaitingRow, 'payload'>;
  /** Why the last attempt failed. */
  readonly reason: string;
  readonly attempts: number;
  /** As Postgres wrote it; null when it failed only now. */
  readonly firstFailedAt: string | null;
  readonly actor: string;
  /** Set when a person has decided that nobody needs to look at it any more. */
  readonly discarded?: { readonly who: string; readonly reason: string };
}

const MARK_DEAD = statement(
  'mark_dead',
  `UPDATE webhook_events SET verdict = 'dead', reason = $3 WHERE razorpay_event_id = $1
    AND created_at = $2::timestamptz`,
);
/** One row as INSERT_DEAD takes it. */
interface NewDeadLetter extends KeyRef, Burial {}

const DEAD_COLUMNS: readonly Column<NewDeadLetter>[] = [
  { name: 'razorpay_event_id', type: 'text', of: ({ row }) => row.razorpay_event_id },
  { name: 'created_at', type: 'timestamptz', of: ({ row }) => row.created },
  { name: 'event_type', type: 'text', of: ({ row }) => row.event_type },
  { name: 'family', type: 'text', of: ({ family }) => family },
  { name: 'entity_key', type: 'text', of: ({ key }) => key },
  { name: 'consumer_group', type: 'text', of: ({ group }) => group },
  { name: 'reason', type: 'text', of: ({ reason }) => reason },
  { name: 'attempts', type: 'integer', of: ({ attempts }) => attempts },
  { name: 'first_failed_at', type: 'timestamptz', of: ({ firstFailedAt }) => firstFailedAt },
  { name: 'kafka_topic', type: 'text', of: ({ row }) => row.kafka_topic },
  { name: 'kafka_partition', type: 'integer', of: ({ row }) => row.kafka_partition },
  { name: 'kafka_offset', type: 'bigint', of: ({ row }) => row.kafka_offset },
  { name: 'resolution', type: 'text', of: ({ discarded }) => (discarded === undefined ? null : 'discarded') },
  { name: 'resolved_by', type: 'text', of: ({ discarded }) => discarded?.who ?? null },
  { name: 'resolved_reason', type: 'text', of: ({ discarded }) => discarded?.reason ?? null },
];
const INSERT_DEAD = statement(
  'insert_dead_letter',
  `INSERT INTO dead_letters AS d
          (razorpay_event_id, created_at, event_type, family, entity_key, consumer_group,
           reason, attempts, first_failed_at, dead_at,
           kafka_topic, kafka_partition, kafka_offset, resolution, resolved_at, resolved_by, resolved_reason)
   SELECT razorpay_event_id, created_at, event_type, family, entity_key, consumer_group,
          reason, greatest(attempts, 1), coalesce(first_failed_at, clock_timestamp()), clock_timestamp(),
          kafka_topic, kafka_partition, kafka_offset,
          resolution, CASE WHEN resolution IS NOT NULL THEN clock_timestamp() END, resolved_by, resolved_reason
     FROM ${unnested(DEAD_COLUMNS, 1, 'given')}
   ON CONFLICT (razorpay_event_id, created_at) DO UPDATE
     SET reason = EXCLUDED.reason, attempts = EXCLUDED.attempts,
         first_failed_at = least(d.first_failed_at, EXCLUDED.first_failed_at), dead_at = EXCLUDED.dead_at,
         published_at = NULL, resolution = EXCLUDED.resolution, resolved_at = EXCLUDED.resolved_at,
         resolved_by = EXCLUDED.resolved_by, resolved_reason = EXCLUDED.resolved_reason`,
);

/** Gives up the event at the head of a locked queue. What is behind it is the caller's. */
export const deadLetterHead = async (tx: Transaction, { family, key }: KeyRef, burial: Burial): Promise<void> => {
  const { row, reason, attempts, actor, discarded } = burial;
  const { razorpay_event_id: eventId, event_type: event, kafka_topic: topic, kafka_partition: partition } = row;
  const why =
    discarded === undefined
      ? `given up after ${attempts} attempts: ${reason}`
      : `given up by ${discarded.who}: ${discarded.reason}`;
  await tx.query(MARK_DEAD, [eventId, row.created, why]);
  await moveCounts(tx, { topic, partition }, 'parked', ['dead']);
  await tx.query(INSERT_DEAD, arraysOf(DEAD_COLUMNS, [{ family, key, ...burial }]));
  const action = discarded === undefined ? 'event.dead' : 'parked.discard';
  await writeAudit(tx, {
    actor,
    action,
    family,
    key,
    eventId,
    event,
    verdict: 'dead',
    reason: discarded?.reason ?? why,
  });
};

/** A dead letter that Kafka has no copy of yet, with all that its envelope needs. */
export interface UnpublishedDeadLetter extends KeyRef {
  readonly family: Family;
  readonly eventId: string;
  /** Of its row in webhook_events, as text to the microsecond. */
  readonly created: string;
  readonly event: EventName;
  readonly endpoint: string;
  readonly accountId: string | null;
  readonly occurredAt: Instant | null;
  readonly receivedAt: Instant;
  /** The key below `payload` of a sighting's snapshot; null for an event. */
  readonly sighting: string | null;
  readonly rawBody: Buffer;
  /** W3C trace context of its attempts. */
  readonly traceparent: string | null;
  /** Where it came from; topics carry no prefix. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly group: string;
  readonly reason: string;
  readonly attempts: number;
  readonly firstFailedAt: Date;
  readonly deadAt: Date;
}

interface UnpublishedRow extends Omit<UnpublishedDeadLetter, 'occurredAt' | 'receivedAt' | 'offset'> {
  readonly receivedMs: number;
  readonly offset: number | bigint;
}

const UNPUBLISHED = statement(
  'dead_unpublished',
  `SELECT d.family, d.entity_key AS key, d.razorpay_event_id AS "eventId", d.created_at::text AS created,
    e.event_type AS event, e.endpoint, e.account_id AS "accountId",
          date_part('epoch', e.received_at) * 1000 AS "receivedMs", e.payload AS "rawBody", e.traceparent, e.sighting,
            d.kafka_topic AS topic, d.kafka_partition AS partition, d.kafka_offset AS "offset",
          d.consumer_group AS "group", d.reason, d.attempts, d.first_failed_at AS "firstFailedAt", d.dead_at AS "deadAt"
     FROM dead_letters d JOIN webhook_events e ON e.razorpay_event_id = d.razorpay_event_id
       AND e.created_at = d.created_at
    WHERE d.consumer_group = $1 AND d.published_at IS NULL AND d.resolution IS NULL
    ORDER BY d.dead_at LIMIT $2 FOR UPDATE OF d SKIP LOCKED`,
);
const MARK_PUBLISHED = statement(
  'dead_published',
  `UPDATE dead_letters d SET published_at = clock_timestamp()
     FROM unnest($1::text[], $2::text[]) AS given (event_id, created) WHERE d.razorpay_event_id = given.event_id
       AND d.created_at = given.created::timestamptz`,
);

/**
 * The oldest dead letters of a group that somebody has to look at and that Kafka has
 * no copy of. Locked until the transaction ends, and skipped when another process
 * has them: publish and mark within it. A crash in between publishes them again.
 */
export const unpublishedDeadLetters = async (
  tx: Transaction,
  group: string,
  limit: number,
): Promise<readonly UnpublishedDeadLetter[]> => {
  const rows = await tx.query<UnpublishedRow>(UNPUBLISHED, [group, limit]);
  return rows.map(({ receivedMs, offset, ...row }) => ({
    ...row,
    occurredAt: occurredAtOf(parseBody(row.rawBody)),
    receivedAt: Math.round(receivedMs) as Instant,
    offset: BigInt(offset),
  }));
};

export const markPublished = async (
  tx: Transaction,
  letters: readonly Pick<UnpublishedDeadLetter, 'eventId' | 'created'>[],
): Promise<void> => {
  if (letters.length === 0) return;
  await tx.query(MARK_PUBLISHED, [letters.map(({ eventId }) => eventId), letters.map(({ created }) => created)]);
};
