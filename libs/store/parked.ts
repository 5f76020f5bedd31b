import { occurredAtOf } from '#catalogue';
import type { EventName, Family } from '#catalogue';
import { dispositions } from '#kernel';
import type { EntityId, EventId, Instant } from '#kernel';
import type { Aggregate } from './aggregate.ts';
import { loadStates, saveStates } from './apply-range.ts';
import { arrivalOf, parseBody } from './arrival.ts';
import type { Arrival } from './arrival.ts';
import { adHoc } from './database.ts';
import type { Database, Transaction } from './database.ts';
import { classifyError, LostRace } from './error-class.ts';
import { countDispositions } from './ledger.ts';
import { AUDIT_OPERATOR, operatorActor } from './positions.ts';
import type { OperatorAction } from './positions.ts';
import { auditOfGiven, factArrays, outboxOf } from './record-decisions.ts';
import { reasonOf, reduceEvents } from './reduce-events.ts';
import type { Decision } from './reduce-events.ts';
import { familiesOf } from './state-table.ts';
import type { Families } from './state-table.ts';

export interface ParkedKey {
  readonly family: Family;
  readonly key: string;
  readonly group: string;
  /** Why the event at the head of the queue could not be applied. */
  readonly reason: string;
  readonly failingEventId: string;
  readonly parkedAt: Date;
  readonly attempts: number;
  readonly lastAttemptAt: Date;
  /** Events that wait, the failing one included. */
  readonly waiting: number;
}
export type KeyRef = Pick<ParkedKey, 'family' | 'key'>;

/** `parked`: an event failed again, and why. `not-parked`: there is no such parked key. `applied` counts events that left the queue. */
export type RetryOutcome =
  | { readonly kind: 'unparked'; readonly applied: number }
  | { readonly kind: 'parked'; readonly applied: number; readonly reason: string }
  | { readonly kind: 'not-parked' };

export interface ParkedOptions {
  readonly database: Database;
  /** Of all families whose keys may be asked for. */
  readonly aggregates: readonly Aggregate[];
}

/** Events of one key that are applied in one transaction; the queue goes on in the next. */
const EVENTS_PER_TRANSACTION = 200;

const LIST = adHoc(
  `SELECT k.family, k.entity_key AS key, k.consumer_group AS "group", k.reason, k.failing_event_id AS "failingEventId", k.parked_at AS "parkedAt",
          k.attempts, k.last_attempt_at AS "lastAttemptAt",
          (SELECT count(*) FROM webhook_events e
            WHERE e.family = k.family AND e.entity_key = k.entity_key AND NOT e.processed AND e.verdict = 'parked') AS waiting
     FROM parked_keys k ORDER BY k.parked_at, k.family, k.entity_key`,
);

export const listParked = async (database: Transaction): Promise<readonly ParkedKey[]> => database.query<ParkedKey>(LIST);

/**
 * Applies what waits for a key, oldest first, through the same rules; what fails again stays at the head of the queue with all
 * that is behind it. Holds the partition's ledger row and the key, so that no new event of the key can overtake.
 */
export const retryParked = async ({ database, aggregates }: ParkedOptions, ref: KeyRef, { who, reason }: OperatorAction): Promise<RetryOutcome> => {
  const families = familiesOf(aggregates);
  const audit: OperatorAction = { who, reason };
  let applied = 0;
  let limit = EVENTS_PER_TRANSACTION;
  // Ends: every pass shortens the queue, halves the limit, or returns.
  for (;;) {
    let pass: Pass;
    try {
      pass = await transactionAgainst(database, async (tx) => drainOnce(tx, families, ref, limit, audit));
    } catch (error) {
      if (classifyError(error) === 'infrastructure') throw error;
      if (limit === 1) pass = await transactionAgainst(database, async (tx) => failHead(tx, ref, reasonOf(error), audit));
      else {
        limit = Math.ceil(limit / 2);
        continue;
      }
    }
    if (pass.kind === 'not-parked') return applied > 0 ? { kind: 'unparked', applied } : pass;
    applied += pass.applied;
    if (pass.kind !== 'more') return { ...pass, applied };
    limit = EVENTS_PER_TRANSACTION;
  }
};

/**
 * Gives up the event at the head of a key's queue, for good and on record (verdict `dead`), and then applies the rest. The given-up
 * event stays in webhook_events with its body.
 */
export const dropParked = async (options: ParkedOptions, ref: KeyRef, action: OperatorAction): Promise<RetryOutcome> => {
  const dropped = await transactionAgainst(options.database, async (tx) => {
    const queue = await lockQueue(tx, ref, 1);
    const head = queue?.rows[0];
    if (queue === undefined || head === undefined) return false;
    const why = `given up by ${action.who}: ${action.reason}`;
    await tx.query(MARK_DEAD, [head.razorpay_event_id, head.created, why]);
    await tx.query(MOVE_COUNTS, [queue.group, head.kafka_topic, head.kafka_partition, 1, ...dispositions.filter(isNotParked).map((name) => (name === 'dead' ? 1 : 0))]);
    await tx.query(AUDIT_OPERATOR, [operatorActor(action.who), 'parked.drop', ref.family, ref.key, head.razorpay_event_id, 'dead', action.reason]);
    await settleKey(tx, ref);
    return true;
  });
  if (!dropped) return { kind: 'not-parked' };
  const rest = await retryParked(options, ref, action);
  return rest.kind === 'not-parked' ? { kind: 'unparked', applied: 0 } : rest;
};

/** How often an operator's transaction starts again because the consumer was quicker. Each time the consumer has got on. */
const RACES_MAX = 10;

const transactionAgainst = async <Value>(database: Database, work: (tx: Transaction) => Promise<Value>): Promise<Value> => {
  for (let race = 1; ; race++) {
    try {
      return await database.transaction(work);
    } catch (error) {
      if (!(error instanceof LostRace) || race === RACES_MAX) throw error;
    }
  }
};

type Pass = RetryOutcome | { readonly kind: 'more'; readonly applied: number };

interface WaitingRow {
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
  readonly payload: Buffer;
}

const LOCK_LEDGERS = adHoc(
  `SELECT topic, partition FROM partition_ledger
    WHERE consumer_group = (SELECT consumer_group FROM parked_keys WHERE family = $1 AND entity_key = $2)
      AND (topic, partition) IN (SELECT DISTINCT kafka_topic, kafka_partition FROM webhook_events
                                  WHERE family = $1 AND entity_key = $2 AND NOT processed AND verdict = 'parked')
    ORDER BY topic, partition FOR UPDATE`,
);
const LOCK_KEY = adHoc('SELECT consumer_group FROM parked_keys WHERE family = $1 AND entity_key = $2 FOR UPDATE');
const WAITING = adHoc(
  `SELECT razorpay_event_id, created_at::text AS created, event_type, date_part('epoch', received_at) * 1000 AS received_ms, endpoint, account_id,
          kafka_topic, kafka_partition, kafka_offset, payload
     FROM webhook_events WHERE family = $1 AND entity_key = $2 AND NOT processed AND verdict = 'parked'
    ORDER BY kafka_topic, kafka_partition, kafka_offset LIMIT $3`,
);

/** Locks in the consumer's order: ledger, then key (then states). Undefined when the key is not parked. */
const lockQueue = async (tx: Transaction, { family, key }: KeyRef, limit: number): Promise<{ readonly group: string; readonly rows: readonly WaitingRow[] } | undefined> => {
  const ledgers = await tx.query<{ topic: string; partition: number }>(LOCK_LEDGERS, [family, key]);
  const [parked] = await tx.query<{ consumer_group: string }>(LOCK_KEY, [family, key]);
  if (parked === undefined) return undefined;
  const rows = await tx.query<WaitingRow>(WAITING, [family, key, limit]);
  const locked = new Set(ledgers.map(({ topic, partition }) => `${topic}/${partition}`));
  const strange = rows.find(({ kafka_topic, kafka_partition }) => !locked.has(`${kafka_topic}/${kafka_partition}`));
  if (strange !== undefined) throw new LostRace(`an event of ${key} came to ${strange.kafka_topic}/${strange.kafka_partition} meanwhile`);
  return { group: parked.consumer_group, rows };
};

const arrivalOfRow = (row: WaitingRow, { family, key }: KeyRef, families: Families): Arrival => {
  const envelope = {
    kind: 'event',
    event: row.event_type,
    family,
    key: key as EntityId,
    eventId: row.razorpay_event_id as EventId,
    endpoint: row.endpoint,
    accountId: row.account_id,
    occurredAt: occurredAtOf(parseBody(row.payload)),
    receivedAt: Math.round(row.received_ms) as Instant,
    traceparent: null,
    rawBody: row.payload,
  } as const;
  const record = { offset: BigInt(row.kafka_offset), key, value: row.payload, envelope: { ok: true, value: envelope } } as const;
  return arrivalOf(record, { topic: row.kafka_topic, partition: row.kafka_partition }, families.aggregates, envelope.receivedAt);
};

const isNotParked = (name: (typeof dispositions)[number]): boolean => name !== 'parked';

const RESOLVE = adHoc(
  `WITH given AS MATERIALIZED (
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
       AS given (event_id, created, event_type, verdict, reason, from_status, to_status)
       CROSS JOIN (SELECT $8::text AS family, $9::text AS entity_key) AS entity),
   events AS (
     UPDATE webhook_events e
        SET verdict = g.verdict, reason = g.reason, processed = g.verdict IN ('applied', 'stale', 'rejected'),
            processed_at = CASE WHEN g.verdict IN ('applied', 'stale', 'rejected') THEN now() END
       FROM given g WHERE e.razorpay_event_id = g.event_id AND e.created_at = g.created::timestamptz),
   ${auditOfGiven(10)},
   ${outboxOf(11)}
   SELECT`,
);
const MARK_DEAD = adHoc(`UPDATE webhook_events SET verdict = 'dead', reason = $3 WHERE razorpay_event_id = $1 AND created_at = $2::timestamptz`);
const MOVE_COUNTS = adHoc(
  `UPDATE partition_ledger
      SET parked = parked - $4::bigint, ${dispositions.filter(isNotParked).map((name, index) => `${name} = ${name} + $${5 + index}::bigint`).join(', ')}, updated_at = now()
    WHERE consumer_group = $1 AND topic = $2 AND partition = $3`,
);
const NOTE_FAILURE = adHoc(
  `UPDATE parked_keys SET attempts = attempts + 1, reason = $3, failing_event_id = $4, last_attempt_at = now() WHERE family = $1 AND entity_key = $2`,
);
const NEXT = adHoc(
  `UPDATE parked_keys SET failing_event_id = head.razorpay_event_id, reason = 'not tried yet'
     FROM (SELECT razorpay_event_id FROM webhook_events WHERE family = $1 AND entity_key = $2 AND NOT processed AND verdict = 'parked'
            ORDER BY kafka_topic, kafka_partition, kafka_offset LIMIT 1) AS head
    WHERE family = $1 AND entity_key = $2 RETURNING 1`,
);
const UNPARK = adHoc('DELETE FROM parked_keys WHERE family = $1 AND entity_key = $2');

/** After the head of the queue has changed: the key stays parked for the next one, or is free. */
const settleKey = async (tx: Transaction, { family, key }: KeyRef): Promise<'parked' | 'free'> => {
  if ((await tx.query(NEXT, [family, key])).length > 0) return 'parked';
  await tx.query(UNPARK, [family, key]);
  return 'free';
};

const drainOnce = async (tx: Transaction, families: Families, ref: KeyRef, limit: number, { who, reason }: OperatorAction): Promise<Pass> => {
  const queue = await lockQueue(tx, ref, limit);
  if (queue === undefined) return { kind: 'not-parked' };
  const arrivals = queue.rows.map((row) => arrivalOfRow(row, ref, families));
  const states = await loadStates(tx, families, arrivals, new Map());
  const { decisions, changed, parked } = reduceEvents(arrivals, { aggregates: families.aggregates, states, parked: new Map(), failing: new Map() });
  const failed = decisions.findIndex(({ disposition }) => disposition === 'parked');
  const done = failed < 0 ? decisions : decisions.slice(0, failed);

  await saveStates(tx, families, states, changed);
  await resolve(tx, queue.group, ref, queue.rows.slice(0, done.length), done, who);
  const failure = parked[0];
  if (failure !== undefined) {
    await tx.query(NOTE_FAILURE, [ref.family, ref.key, failure.reason, failure.eventId]);
    await tx.query(AUDIT_OPERATOR, [operatorActor(who), 'parked.retry', ref.family, ref.key, failure.eventId, 'parked', `${reason}: failed again: ${failure.reason}`]);
    return { kind: 'parked', applied: done.length, reason: failure.reason };
  }
  return { kind: (await settleKey(tx, ref)) === 'free' ? 'unparked' : 'more', applied: done.length };
};

const resolve = async (tx: Transaction, group: string, ref: KeyRef, rows: readonly WaitingRow[], done: readonly Decision[], who: string): Promise<void> => {
  if (done.length === 0) return;
  await tx.query(RESOLVE, [
    rows.map(({ razorpay_event_id }) => razorpay_event_id),
    rows.map(({ created }) => created),
    rows.map(({ event_type }) => event_type),
    done.map(({ disposition }) => disposition),
    done.map(({ reason }) => reason),
    done.map(({ from }) => from),
    done.map(({ to }) => to),
    ref.family,
    ref.key,
    operatorActor(who),
    ...factArrays(done),
  ]);
  for (const [place, decisions] of Map.groupBy(done.entries(), ([index]) => `${rows[index]?.kafka_topic} ${rows[index]?.kafka_partition}`)) {
    const [topic, partition] = place.split(' ');
    const counts = countDispositions(decisions.map(([, { disposition }]) => disposition));
    await tx.query(MOVE_COUNTS, [group, topic, Number(partition), decisions.length, ...dispositions.filter(isNotParked).map((name) => counts[name])]);
  }
};

/** The head of the queue was tried alone and Postgres refused it again. */
const failHead = async (tx: Transaction, ref: KeyRef, why: string, { who, reason }: OperatorAction): Promise<Pass> => {
  const queue = await lockQueue(tx, ref, 1);
  const head = queue?.rows[0];
  if (head === undefined) return { kind: 'not-parked' };
  await tx.query(NOTE_FAILURE, [ref.family, ref.key, why, head.razorpay_event_id]);
  await tx.query(AUDIT_OPERATOR, [operatorActor(who), 'parked.retry', ref.family, ref.key, head.razorpay_event_id, 'parked', `${reason}: failed again: ${why}`]);
  return { kind: 'parked', applied: 0, reason: why };
};
