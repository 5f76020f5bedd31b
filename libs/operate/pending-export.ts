import type { KeyRef } from '#apply';
import type { EventName } from '#catalogue';
import { statement } from '#platform/postgres';
import type { Statement, Transaction } from '#platform/postgres';
import {
  DEAD_COLUMNS,
  DEAD_CONDITION,
  filterValues,
  PARKED_CONDITION,
  PARKED_FROM,
  QUARANTINED_COLUMNS,
  QUARANTINED_CONDITION,
} from './pending-lists.ts';
import type { DeadLetter, PendingFilter, QuarantinedEvent } from './pending-lists.ts';

/** An event that waits for its key. */
export interface WaitingEvent extends KeyRef {
  readonly eventId: string;
  readonly event: EventName;
  readonly receivedAt: Date;
  readonly endpoint: string;
  readonly accountId: string | null;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number | bigint;
  /** Why it waits. */
  readonly reason: string;
}

/** With exactly the bytes that were signed. */
export type WithBody<Entry> = Entry & { readonly rawBody: Buffer };

/** Bodies have up to 1 MiB: what one batch of an export holds in memory stays bounded. */
const EXPORT_BATCH = 50;

/** Where a batch ended, as text: the columns that the export is ordered by. */
type Place = readonly (string | null)[];
type Placed<Entry> = Entry & { readonly place: Place };

const inBatches = async function* <Entry extends object>(
  database: Transaction,
  sql: Statement,
  filter: PendingFilter,
  columns: number,
): AsyncGenerator<readonly Entry[]> {
  let after: Place = Array.from({ length: columns }, () => null);
  let left = filter.limit ?? Infinity;
  while (left > 0) {
    const wanted = Math.min(EXPORT_BATCH, left);
    const rows = await database.query<Placed<Entry>>(sql, [...filterValues(filter), wanted, ...after]);
    if (rows.length > 0) yield rows.map(({ place: _, ...entry }) => entry as unknown as Entry);
    const last = rows.at(-1);
    if (last === undefined || rows.length < wanted) return;
    after = last.place;
    left -= rows.length;
  }
};

export const WAITING_COLUMNS = `e.family, e.entity_key AS key, e.razorpay_event_id AS "eventId", e.event_type AS event, e.received_at AS "receivedAt", e.endpoint, e.account_id AS "accountId",
          e.kafka_topic AS topic, e.kafka_partition AS partition, e.kafka_offset AS "offset",
          CASE WHEN e.razorpay_event_id = k.failing_event_id THEN k.reason ELSE 'waits behind ' || k.failing_event_id END AS reason`;

const EXPORT_PARKED = statement(
  'export_parked',
  `SELECT ${WAITING_COLUMNS}, e.payload AS "rawBody", ARRAY[e.family, e.entity_key, e.kafka_topic,
    e.kafka_partition::text, e.kafka_offset::text] AS place
     FROM ${PARKED_FROM}
     JOIN webhook_events e ON e.family = k.family AND e.entity_key = k.entity_key AND NOT e.processed
       AND e.verdict = 'parked'
    WHERE ${PARKED_CONDITION}
      AND ($8::text IS NULL OR (e.family, e.entity_key, e.kafka_topic, e.kafka_partition, e.kafka_offset) > ($8,
        $9::text, $10::text, $11::integer, $12::bigint))
    ORDER BY e.family, e.entity_key, e.kafka_topic, e.kafka_partition, e.kafka_offset LIMIT $7`,
);

/**
 * Everything that waits for the parked keys that are meant, each
 * key's events in the order in which they will be applied.
 */
export const exportParked = (
  database: Transaction,
  filter: PendingFilter = {},
): AsyncIterable<readonly WithBody<WaitingEvent>[]> => inBatches(database, EXPORT_PARKED, filter, 5);

const EXPORT_DEAD = statement(
  'export_dead',
  `SELECT ${DEAD_COLUMNS}, e.payload AS "rawBody", ARRAY[d.dead_at::text, d.razorpay_event_id,
    d.created_at::text] AS place
     FROM dead_letters d JOIN webhook_events e ON e.razorpay_event_id = d.razorpay_event_id
       AND e.created_at = d.created_at
    WHERE d.resolution IS NULL AND ${DEAD_CONDITION}
      AND ($8::timestamptz IS NULL OR (d.dead_at, d.razorpay_event_id, d.created_at) > ($8, $9::text, $10::timestamptz))
    ORDER BY d.dead_at, d.razorpay_event_id, d.created_at LIMIT $7`,
);

/** The dead letters that `listDead` lists, with their bodies. */
export const exportDead = (
  database: Transaction,
  filter: PendingFilter = {},
): AsyncIterable<readonly WithBody<DeadLetter>[]> => inBatches(database, EXPORT_DEAD, filter, 3);

const EXPORT_QUARANTINED = statement(
  'export_quarantined',
  `SELECT ${QUARANTINED_COLUMNS}, e.payload AS "rawBody", ARRAY[e.received_at::text, e.razorpay_event_id,
    e.created_at::text] AS place
     FROM webhook_events e
    WHERE NOT e.processed AND e.verdict = 'quarantined' AND ${QUARANTINED_CONDITION}
      AND ($8::timestamptz IS NULL OR (e.received_at, e.razorpay_event_id, e.created_at) > ($8, $9::text,
        $10::timestamptz))
    ORDER BY e.received_at, e.razorpay_event_id, e.created_at LIMIT $7`,
);

/** The events that `listQuarantined` lists, with their bodies. */
export const exportQuarantined = (
  database: Transaction,
  filter: PendingFilter = {},
): AsyncIterable<readonly WithBody<QuarantinedEvent>[]> => inBatches(database, EXPORT_QUARANTINED, filter, 3);
