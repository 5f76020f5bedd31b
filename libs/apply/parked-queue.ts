import { occurredAtOf } from '#catalogue';
import type { EventName, Family, SightedPart } from '#catalogue';
import { deliveryOfSighting } from '#envelope';
import { arraysOf, LostRace, statement, unnested } from '#platform/postgres';
import type { Column, Database, Transaction } from '#platform/postgres';
import { dispositions } from '#rules';
import type { Disposition, EntityId, EventId, Instant } from '#rules';
import { arrivalOf, parseBody } from './arrival.ts';
import type { Arrival } from './arrival.ts';
import { countDispositions } from './ledger.ts';
import { auditOfGiven, factArrays, isAudited, outboxOf, PROCESSED_SQL } from './facts-sql.ts';
import type { Decision } from './reduce-events.ts';
import type { Families } from './state-table.ts';

/** An entity, by its family and its id. */
export interface KeyRef {
  readonly family: Family;
  readonly key: string;
}

/** An event that waits for its key, as it is kept. */
export interface WaitingRow {
  readonly razorpay_event_id: string;
  /** As text, so that it finds its row again to the microsecond. */
  readonly created: string;
  readonly event_type: EventName;
  readonly received_ms: number;
  readonly endpoint: string;
  readonly account_id: string | null;
  readonly kafka_topic: string;
  readonly kafka_partition: number;
  readonly kafka_offset: number | bigint;
  /** The key below `payload` of a sighting's snapshot; null for an event. */
  readonly sighting: string | null;
  readonly payload: Buffer;
  /** W3C trace context that its attempts go on with. */
  readonly traceparent: string | null;
}

/** A parked key that is locked by this transaction, with the first of what waits for it, oldest first. */
export interface LockedQueue {
  readonly group: string;
  readonly reason: string;
  readonly failingEventId: string;
  /** Attempts that the failing event has used. */
  readonly attempts: number;
  /** As text, to the microsecond; null when the failing event has not failed yet. */
  readonly firstFailedAt: string | null;
  /** Until its next attempt, by Postgres' clock; negative when that is overdue. */
  readonly afterMs: number;
  readonly rows: readonly WaitingRow[];
}

const LOCK_LEDGERS = statement(
  'queue_lock_ledgers',
  `SELECT topic, partition FROM partition_ledger
    WHERE (topic, partition) IN (SELECT DISTINCT kafka_topic, kafka_partition FROM webhook_events
                                  WHERE family = $1 AND entity_key = $2 AND NOT processed AND verdict = 'parked')
    ORDER BY topic, partition FOR UPDATE`,
);
const LOCK_KEY = statement(
  'queue_lock_key',
  `SELECT consumer_group AS "group", reason, failing_event_id AS "failingEventId", attempts,
    first_failed_at::text AS "firstFailedAt",
          date_part('epoch', next_attempt_at - clock_timestamp()) * 1000 AS "afterMs"
     FROM parked_keys WHERE family = $1 AND entity_key = $2 FOR UPDATE`,
);
/**
 * Bodies that a transaction holds in memory, in bytes, besides the
 * last: one body has up to 1 MiB, and a queue may be long.
 */
const BODIES_MAX = 16 * 1024 * 1024;
const WAITING = statement(
  'queue_waiting',
  `SELECT razorpay_event_id, created_at::text AS created, event_type, date_part('epoch',
    received_at) * 1000 AS received_ms, endpoint, account_id,
          kafka_topic, kafka_partition, kafka_offset, sighting, payload, traceparent
     FROM (SELECT *, sum(octet_length(payload)) OVER (ORDER BY kafka_topic, kafka_partition,
       kafka_offset ROWS UNBOUNDED PRECEDING) - octet_length(payload) AS bytes_before
             FROM webhook_events WHERE family = $1 AND entity_key = $2 AND NOT processed AND verdict = 'parked'
            ORDER BY kafka_topic, kafka_partition, kafka_offset LIMIT $3) AS oldest
    WHERE bytes_before < ${BODIES_MAX} ORDER BY kafka_topic, kafka_partition, kafka_offset`,
);

/**
 * Locks in the consumer's order: ledger, then key (then states), so that no new event of the key can overtake. A key
 * may wait with events of several partitions: its family's, and the quarantine's. Undefined when the key is not parked.
 */
export const lockQueue = async (
  tx: Transaction,
  { family, key }: KeyRef,
  limit: number,
): Promise<LockedQueue | undefined> => {
  const ledgers = await tx.query<{ topic: string; partition: number }>(LOCK_LEDGERS, [family, key]);
  const [parked] = await tx.query<Omit<LockedQueue, 'rows'>>(LOCK_KEY, [family, key]);
  if (parked === undefined) return undefined;
  const rows = await tx.query<WaitingRow>(WAITING, [family, key, limit]);
  const locked = new Set(ledgers.map(({ topic, partition }) => `${topic}/${partition}`));
  const strange = rows.find(({ kafka_topic, kafka_partition }) => !locked.has(`${kafka_topic}/${kafka_partition}`));
  if (strange !== undefined)
    throw new LostRace(`an event of ${key} came to ${strange.kafka_topic}/${strange.kafka_partition} meanwhile`);
  return { ...parked, rows };
};

/** The event as it came out of Kafka the first time. */
export const arrivalOfRow = (row: WaitingRow, { family, key }: KeyRef, families: Families): Arrival => {
  const envelope = {
    kind: 'event',
    event: row.event_type,
    family,
    key: key as EntityId,
    eventId: deliveryIdOfRow(row) as EventId,
    ...(row.sighting !== null && { sighting: row.sighting as SightedPart }),
    endpoint: row.endpoint,
    accountId: row.account_id,
    occurredAt: occurredAtOf(parseBody(row.payload)),
    receivedAt: Math.round(row.received_ms) as Instant,
    traceparent: row.traceparent,
    rawBody: row.payload,
  } as const;
  const record = {
    offset: BigInt(row.kafka_offset),
    key,
    value: row.payload,
    envelope: { ok: true, value: envelope },
  } as const;
  return arrivalOf(
    record,
    { topic: row.kafka_topic, partition: row.kafka_partition },
    families.aggregates,
    envelope.receivedAt,
  );
};

/** The id of the delivery that a waiting record came with. */
const deliveryIdOfRow = ({ razorpay_event_id, sighting }: WaitingRow): string =>
  sighting === null ? razorpay_event_id : deliveryOfSighting(razorpay_event_id, sighting);

const LOCK_LEDGER = statement(
  'lock_ledger_of_topic',
  'SELECT 1 FROM partition_ledger WHERE topic = $1 AND partition = $2 FOR UPDATE',
);

/**
 * The first lock of the consumer's order, for one event. What is read
 * after it is what the last one to hold it has left.
 */
export const lockLedgerOf = async (
  tx: Transaction,
  { topic, partition }: { readonly topic: string; readonly partition: number },
): Promise<void> => void (await tx.query(LOCK_LEDGER, [topic, partition]));

const MOVE_COUNTS = statement(
  'move_counts',
  `UPDATE partition_ledger SET updated_at = now(),
      ${dispositions.map((name, index) => `${name} = ${name} + $${3 + index}::bigint`).join(', ')}
    WHERE topic = $1 AND partition = $2 RETURNING 1`,
);

/**
 * Events of one partition become something else. A topic belongs to one consumer group, so the row is found by topic
 * and partition: a key may wait with events whose topic another group reads.
 */
export const moveCounts = async (
  tx: Transaction,
  { topic, partition }: { readonly topic: string; readonly partition: number },
  from: Disposition,
  to: readonly Disposition[],
): Promise<void> => {
  const counts = countDispositions(to);
  const rows = await tx.query(MOVE_COUNTS, [
    topic,
    partition,
    ...dispositions.map((name) => counts[name] - (name === from ? to.length : 0)),
  ]);
  if (rows.length !== 1)
    throw new Error(
      `partition_ledger has ${rows.length} rows for ${topic}/${partition}; each partition with events has one`,
    );
};

/** An event that waited, and what became of it. */
interface ResolvedRow {
  readonly row: WaitingRow;
  readonly decision: Decision;
}

const RESOLVED_COLUMNS: readonly Column<ResolvedRow>[] = [
  { name: 'event_id', type: 'text', of: ({ row }) => row.razorpay_event_id },
  { name: 'created', type: 'text', of: ({ row }) => row.created },
  { name: 'event_type', type: 'text', of: ({ row }) => row.event_type },
  { name: 'verdict', type: 'text', of: ({ decision }) => decision.disposition },
  { name: 'reason', type: 'text', of: ({ decision }) => decision.reason },
  { name: 'from_status', type: 'text', of: ({ decision }) => decision.from },
  { name: 'to_status', type: 'text', of: ({ decision }) => decision.to },
  { name: 'delivery_id', type: 'text', of: ({ row }) => deliveryIdOfRow(row) },
  { name: 'is_audited', type: 'bool', of: ({ decision }) => isAudited(decision) },
];

const [FAMILY, KEY, ACTOR, RESOLVED] = [1, 2, 3, 4] as const;

/** Verdicts after which nothing waits any more. */
const RESOLVE = statement(
  'queue_resolve',
  `WITH given AS MATERIALIZED (
     SELECT * FROM ${unnested(RESOLVED_COLUMNS, RESOLVED, 'given')}
       CROSS JOIN (SELECT $${FAMILY}::text AS family, $${KEY}::text AS entity_key) AS entity),
   events AS (
     UPDATE webhook_events e
        SET verdict = g.verdict, reason = g.reason, processed = g.verdict IN ${PROCESSED_SQL},
            processed_at = CASE WHEN g.verdict IN ${PROCESSED_SQL} THEN now() END
       FROM given g WHERE e.razorpay_event_id = g.event_id AND e.created_at = g.created::timestamptz),
   ${auditOfGiven(ACTOR)},
   ${outboxOf(RESOLVED + RESOLVED_COLUMNS.length)}
   SELECT`,
);

/** Writes what became of the first events of a queue: their rows, the audit, the facts and the counts. */
export const resolveWaiting = async (
  tx: Transaction,
  ref: KeyRef,
  rows: readonly WaitingRow[],
  done: readonly Decision[],
  actor: string,
): Promise<void> => {
  if (done.length === 0) return;
  const resolved = done.flatMap((decision, index) => {
    const row = rows[index];
    return row === undefined ? [] : [{ row, decision }];
  });
  await tx.query(RESOLVE, [ref.family, ref.key, actor, ...arraysOf(RESOLVED_COLUMNS, resolved), ...factArrays(done)]);
  const ofPartitions = Map.groupBy(resolved, ({ row }) => `${row.kafka_topic} ${row.kafka_partition}`);
  for (const [place, rowsThere] of ofPartitions) {
    const [topic = '', partition] = place.split(' ');
    const verdicts = rowsThere.map(({ decision }) => decision.disposition);
    await moveCounts(tx, { topic, partition: Number(partition) }, 'parked', verdicts);
  }
};

export const NOT_TRIED_YET = 'not tried yet';

const HEAD = `SELECT razorpay_event_id FROM webhook_events WHERE family = $1 AND entity_key = $2 AND NOT processed
  AND verdict = 'parked'
               ORDER BY kafka_topic, kafka_partition, kafka_offset LIMIT 1`;
const NEXT_HEAD = statement(
  'queue_next_head',
  `UPDATE parked_keys SET failing_event_id = head.razorpay_event_id, reason = '${NOT_TRIED_YET}', attempts = 0,
    first_failed_at = NULL, next_attempt_at = clock_timestamp()
     FROM (${HEAD}) AS head WHERE family = $1 AND entity_key = $2 RETURNING 1`,
);
const UNPARK = statement('queue_unpark', 'DELETE FROM parked_keys WHERE family = $1 AND entity_key = $2');

/**
 * After the head of a locked queue has gone: the next one becomes the
 * head and has all its attempts; without one the key is free.
 */
export const advanceQueue = async (tx: Transaction, { family, key }: KeyRef): Promise<'parked' | 'free'> => {
  if ((await tx.query(NEXT_HEAD, [family, key])).length > 0) return 'parked';
  await tx.query(UNPARK, [family, key]);
  return 'free';
};

const PARK = statement(
  'queue_park',
  `INSERT INTO parked_keys (family, entity_key, consumer_group, reason, failing_event_id, attempts, first_failed_at,
    next_attempt_at)
   VALUES ($1, $2, $3, '${NOT_TRIED_YET}', $4, 0, NULL, clock_timestamp()) ON CONFLICT DO NOTHING RETURNING 1`,
);
const FIND_HEAD = statement('queue_head', HEAD);

/**
 * An event has been given verdict `parked` again: its key is parked for it, or it takes its place by its offset in the
 * queue that is there. The caller holds the event's ledger row.
 */
export const joinQueue = async (
  tx: Transaction,
  { family, key }: KeyRef,
  group: string,
  eventId: string,
): Promise<void> => {
  if ((await tx.query(PARK, [family, key, group, eventId])).length > 0) return;
  const [parked] = await tx.query<{ failingEventId: string }>(LOCK_KEY, [family, key]);
  if (parked === undefined) throw new LostRace(`${family} ${key} was unparked meanwhile`);
  const [head] = await tx.query<{ razorpay_event_id: string }>(FIND_HEAD, [family, key]);
  if (head?.razorpay_event_id !== parked.failingEventId) await advanceQueue(tx, { family, key });
};

/** How often a transaction starts again because another was quicker. Each time the other has got on. */
const RACES_MAX = 10;

export const transactionAgainst = async <Value>(
  database: Database,
  work: (tx: Transaction) => Promise<Value>,
): Promise<Value> => {
  for (let race = 1; ; race++) {
    try {
      return await database.transaction(work);
    } catch (error) {
      if (!(error instanceof LostRace) || race === RACES_MAX) throw error;
    }
  }
};
