import { auditInsert, LostRace, statement } from '#platform/postgres';
import type { Transaction } from '#platform/postgres';
import { dispositions } from '#rules';
import type { Instant } from '#rules';
import { keptAt, sha256 } from './arrival.ts';
import type { Arrival } from './arrival.ts';
import type { Counts, LedgerKey } from './ledger.ts';
import type { Decision, NewlyParked } from './reduce-events.ts';

const millis = (at: Instant): number => at / 1000;

/** Bodies travel as one value, cut by position: an array of bytea would be sent as text of twice the size. */
const CUT_BODY = 'substring($3::bytea FROM body_from FOR body_length)';

const INSERT_CONFLICTS = statement(
  'insert_conflicts',
  `INSERT INTO event_conflicts (razorpay_event_id, body_sha256, event_type, family, entity_key, account_id, endpoint, received_at,
                                kafka_topic, kafka_partition, kafka_offset, payload)
   SELECT event_id, decode(body_sha256, 'hex'), event_type, family, entity_key, account_id, endpoint, to_timestamp(received), $1, $2, kafka_offset, ${CUT_BODY}
     FROM unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::float8[], $12::bigint[], $13::int[], $14::int[])
       AS given (event_id, body_sha256, event_type, family, entity_key, account_id, endpoint, received, kafka_offset, body_from, body_length)
   ON CONFLICT DO NOTHING RETURNING kafka_offset`,
);

const CONFLICT_REASON = 'another body is already kept under this event id';

/** Keeps bodies that came under an id that is taken. A body that is kept already is a duplicate of that conflict. */
export const recordConflicts = async (
  tx: Transaction,
  { topic, partition }: LedgerKey,
  conflicts: readonly Arrival[],
): Promise<readonly Decision[]> => {
  if (conflicts.length === 0) return [];
  const bodies = joined(conflicts);
  const rows = await tx.query<{ kafka_offset: number | bigint }>(INSERT_CONFLICTS, [
    topic,
    partition,
    bodies.bytes,
    conflicts.map(({ eventId }) => eventId),
    conflicts.map(({ body }) => sha256(body).toString('hex')),
    conflicts.map(({ eventType }) => eventType),
    conflicts.map(familyOf),
    conflicts.map(keyOf),
    conflicts.map(({ accountId }) => accountId),
    conflicts.map(({ endpoint }) => endpoint),
    conflicts.map(({ receivedAt }) => millis(receivedAt)),
    conflicts.map(({ offset }) => offset),
    bodies.from,
    bodies.lengths,
  ]);
  const kept = new Set(rows.map(({ kafka_offset }) => BigInt(kafka_offset)));
  return conflicts.map((arrival) => {
    const isNew = kept.has(arrival.offset);
    return {
      arrival,
      disposition: isNew ? 'rejected' : 'duplicate',
      isConflict: isNew,
      reason: CONFLICT_REASON,
      from: null,
      to: null,
      facts: [],
    };
  });
};

const familyOf = ({ task }: Arrival): string | null => (task.kind === 'apply' ? task.family : null);
const keyOf = ({ task }: Arrival): string | null => (task.kind === 'apply' ? task.key : null);

interface Joined {
  readonly bytes: Buffer;
  /** Positions from 1, as SQL counts. */
  readonly from: readonly number[];
  readonly lengths: readonly number[];
}

const joined = (arrivals: readonly Arrival[]): Joined => {
  const lengths = arrivals.map(({ body }) => body.length);
  const from: number[] = [];
  let next = 1;
  for (const length of lengths) {
    from.push(next);
    next += length;
  }
  return { bytes: Buffer.concat(arrivals.map(({ body }) => body)), from, lengths };
};

/** Part of a statement that has the decisions as `given`: their audit rows. `$actor` says who caused them. */
export const auditOfGiven = (actor: number): string => {
  const [key, eventId, event, from, to] = ['entity_key', 'event_id', 'event_type', 'from_status', 'to_status'];
  const same = { family: 'family', verdict: 'verdict', reason: 'reason' };
  const audited = { actor: `$${actor}`, action: "'event'", ...same, key, eventId, event, from, to };
  return `audit AS (${auditInsert(audited, "given WHERE verdict IN ('applied', 'stale', 'rejected')")})`;
};

/**
 * Part of a statement: the facts' rows from six arrays that begin at parameter `first` (see `factArrays`). Identity values are drawn while
 * the entity's row is locked, so they grow with each fact of one entity.
 */
export const outboxOf = (first: number): string => `facts AS (
     INSERT INTO outbox (name, dedupe_key, family, entity_key, payload)
     SELECT name, dedupe_key, family, entity_key, jsonb_build_object('eventId', event_id, 'entityId', entity_key, 'endpoint', endpoint)
       FROM unnest($${first}::text[], $${first + 1}::text[], $${first + 2}::text[], $${first + 3}::text[], $${first + 4}::text[], $${first + 5}::text[])
         AS told (name, dedupe_key, family, entity_key, event_id, endpoint)
     ON CONFLICT (dedupe_key) DO NOTHING)`;

/**
 * Everything that a batch leaves behind besides its entities' rows, in one round trip. The counts of all offsets passed move the
 * ledger; it is locked by this transaction, the condition on its position only states what that lock has made sure of.
 */
const RECORD = statement(
  'record',
  `WITH given AS MATERIALIZED (
     SELECT * FROM unnest($4::text[], $5::float8[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[],
                          $13::float8[], $14::bigint[], $15::int[], $16::int[], $17::text[], $18::text[], $19::bool[])
       AS given (event_id, created, event_type, family, entity_key, verdict, reason, account_id, endpoint,
                 received, kafka_offset, body_from, body_length, from_status, to_status, is_conflict)),
   events AS (
     INSERT INTO webhook_events (razorpay_event_id, created_at, event_type, family, entity_key, processed, verdict, reason, account_id, endpoint,
                                 received_at, processed_at, kafka_topic, kafka_partition, kafka_offset, payload)
     SELECT event_id, to_timestamp(created), event_type, family, entity_key, verdict IN ('applied', 'stale', 'rejected'), verdict, reason, account_id, endpoint,
            to_timestamp(received), CASE WHEN verdict IN ('applied', 'stale', 'rejected') THEN now() END, $1, $2, kafka_offset, ${CUT_BODY}
       FROM given WHERE NOT is_conflict
     ON CONFLICT DO NOTHING RETURNING 1),
   ${auditOfGiven(20)},
   ${outboxOf(21)},
   parked AS (
     INSERT INTO parked_keys (family, entity_key, consumer_group, reason, failing_event_id, next_attempt_at)
     SELECT family, entity_key, $27, reason, event_id, clock_timestamp() + after_ms * interval '1 millisecond'
       FROM unnest($28::text[], $29::text[], $30::text[], $31::text[], $41::float8[]) AS failed (family, entity_key, reason, event_id, after_ms)
     ON CONFLICT DO NOTHING RETURNING 1),
   ledger AS (
     UPDATE partition_ledger
        SET next_offset = $33, updated_at = now(), ${dispositions.map((name, index) => `${name} = ${name} + $${34 + index}::bigint`).join(', ')}
      WHERE consumer_group = $27 AND topic = $1 AND partition = $2 AND next_offset = $32
     RETURNING 1)
   SELECT (SELECT count(*) FROM events) AS events, (SELECT count(*) FROM parked) AS parked, (SELECT count(*) FROM ledger) AS ledger`,
);

/** A newly parked key, and how long until it is tried again, in ms. */
export type ScheduledKey = NewlyParked & { readonly afterMs: number };

export interface ToRecord {
  readonly ledger: LedgerKey;
  readonly firstOffset: bigint;
  readonly nextOffset: bigint;
  readonly counts: Counts;
  /** Events that are new. */
  readonly decisions: readonly Decision[];
  readonly conflicts: readonly Decision[];
  readonly parked: readonly ScheduledKey[];
}

export const recordDecisions = async (
  tx: Transaction,
  { ledger, firstOffset, nextOffset, counts, decisions, conflicts, parked }: ToRecord,
): Promise<void> => {
  const rows = [...decisions, ...conflicts.filter(({ disposition }) => disposition === 'rejected')];
  const arrivals = rows.map(({ arrival }) => arrival);
  const bodies = joined(decisions.map(({ arrival }) => arrival));
  const [result] = await tx.query<{ events: number; parked: number; ledger: number }>(RECORD, [
    ledger.topic,
    ledger.partition,
    bodies.bytes,
    arrivals.map(({ eventId }) => eventId),
    arrivals.map((arrival) => millis(keptAt(arrival))),
    arrivals.map(({ eventType }) => eventType),
    arrivals.map(familyOf),
    arrivals.map(keyOf),
    rows.map(({ disposition }) => disposition),
    rows.map(({ reason }) => reason),
    arrivals.map(({ accountId }) => accountId),
    arrivals.map(({ endpoint }) => endpoint),
    arrivals.map(({ receivedAt }) => millis(receivedAt)),
    arrivals.map(({ offset }) => offset),
    rows.map((_, index) => bodies.from[index] ?? 1),
    rows.map((_, index) => bodies.lengths[index] ?? 0),
    rows.map(({ from }) => from),
    rows.map(({ to }) => to),
    rows.map((_, index) => index >= decisions.length),
    consumerActor(ledger.group),
    ...factArrays(decisions),
    ledger.group,
    parked.map(({ family }) => family),
    parked.map(({ key }) => key),
    parked.map(({ reason }) => reason),
    parked.map(({ eventId }) => eventId),
    firstOffset,
    nextOffset,
    ...dispositions.map((name) => counts[name]),
    parked.map(({ afterMs }) => afterMs),
  ]);
  if (result?.events !== decisions.length)
    throw new LostRace(`${decisions.length} events were new, but ${result?.events} could be inserted`);
  if (result.parked !== parked.length)
    throw new LostRace(
      `${parked.length} keys were to be parked, but ${parked.length - result.parked} of them were parked meanwhile`,
    );
  if (result.ledger !== 1)
    throw new LostRace(
      `partition_ledger of ${ledger.group} ${ledger.topic}/${ledger.partition} is not at ${firstOffset}`,
    );
};

export const consumerActor = (group: string): string => `consumer:${group}`;

/** What decisions ask the outbox for, as the arrays of `outboxOf`. A fact's key makes it unique for ever. */
export const factArrays = (decisions: readonly Decision[]): readonly (readonly (string | null)[])[] => {
  const rows = decisions.flatMap(({ arrival: { task, eventId, endpoint }, facts }) =>
    task.kind === 'keep'
      ? []
      : facts.map(
          ({ kind, occurrence }) =>
            [
              kind,
              `${task.family}:${task.key}:${kind}:${occurrence}`,
              task.family,
              task.key,
              eventId,
              endpoint,
            ] as const,
        ),
  );
  return ([0, 1, 2, 3, 4, 5] as const).map((column) => rows.map((row) => row[column]));
};
