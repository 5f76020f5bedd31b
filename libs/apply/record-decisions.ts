import { arraysOf, LostRace, statement, unnested } from '#platform/postgres';
import type { Column, Transaction } from '#platform/postgres';
import type { RecordMark } from '#kafka';
import { dispositions } from '#rules';
import type { Instant } from '#rules';
import { bodyKeyOf, deliveryIdOf, keptAt } from './arrival.ts';
import type { Arrival } from './arrival.ts';
import { auditOfGiven, FACT_COLUMNS, factArrays, isAudited, outboxOf, PROCESSED_SQL } from './facts-sql.ts';
import { placeName, ROW_IDENTITY } from './ledger.ts';
import type { Counts, Place } from './ledger.ts';
import type { Decision, NewlyParked } from './reduce-events.ts';
import { parkedContextOf } from './trace.ts';

const millis = (at: Instant): number => at / 1000;

/** Bodies travel as one value, cut by position: an array of bytea would be sent as text of twice the size. */
const cutBody = (parameter: number): string => `substring($${parameter}::bytea FROM body_from FOR body_length)`;

/** What is kept of an event. */
interface KeptRow {
  readonly arrival: Arrival;
  /** Position of its body among all, from 1 as SQL counts, and its length in bytes. */
  readonly bodyFrom: number;
  readonly bodyLength: number;
}

const KEPT_COLUMNS: readonly Column<KeptRow>[] = [
  { name: 'event_id', type: 'text', of: ({ arrival }) => arrival.eventId },
  { name: 'claimed_id', type: 'text', of: ({ arrival }) => arrival.claimedId },
  {
    name: 'body_sha256',
    type: 'text',
    of: ({ arrival }) => (arrival.claimedId === undefined ? null : arrival.digest.toString('hex')),
  },
  { name: 'body_key', type: 'bigint', of: ({ arrival }) => bodyKeyOf(arrival) },
  { name: 'event_type', type: 'text', of: ({ arrival }) => arrival.eventType },
  { name: 'family', type: 'text', of: ({ arrival }) => familyOf(arrival) },
  { name: 'entity_key', type: 'text', of: ({ arrival }) => keyOf(arrival) },
  { name: 'account_id', type: 'text', of: ({ arrival }) => arrival.accountId },
  { name: 'endpoint', type: 'text', of: ({ arrival }) => arrival.endpoint },
  { name: 'secret_position', type: 'smallint', of: ({ arrival }) => arrival.secretPosition ?? null },
  { name: 'received', type: 'float8', of: ({ arrival }) => millis(arrival.receivedAt) },
  { name: 'topic', type: 'text', of: ({ arrival }) => arrival.topic },
  { name: 'partition', type: 'int', of: ({ arrival }) => arrival.partition },
  { name: 'kafka_offset', type: 'bigint', of: ({ arrival }) => arrival.offset },
  { name: 'body_from', type: 'int', of: ({ bodyFrom }) => bodyFrom },
  { name: 'body_length', type: 'int', of: ({ bodyLength }) => bodyLength },
];

const familyOf = ({ task }: Arrival): string | null => (task.kind === 'apply' ? task.family : null);
const keyOf = ({ task }: Arrival): string | null => (task.kind === 'apply' ? task.key : null);

/** Where each body stands when they are all put together in this order. */
const withBodies = (arrivals: readonly Arrival[]): readonly KeptRow[] => {
  let next = 1;
  return arrivals.map((arrival) => {
    const bodyFrom = next;
    next += arrival.body.length;
    return { arrival, bodyFrom, bodyLength: arrival.body.length };
  });
};

/** A decided event as it is written. */
interface DecidedRow extends KeptRow {
  readonly decision: Decision;
  /** False for a sighting that was joined: it leaves an audit row only. */
  readonly isEvent: boolean;
}

const DECIDED_COLUMNS: readonly Column<DecidedRow>[] = [
  ...KEPT_COLUMNS,
  { name: 'created', type: 'float8', of: ({ arrival }) => millis(keptAt(arrival)) },
  { name: 'verdict', type: 'text', of: ({ decision }) => decision.disposition },
  { name: 'reason', type: 'text', of: ({ decision }) => decision.reason },
  { name: 'from_status', type: 'text', of: ({ decision }) => decision.from },
  { name: 'to_status', type: 'text', of: ({ decision }) => decision.to },
  {
    name: 'traceparent',
    type: 'text',
    of: ({ decision }) => (decision.disposition === 'parked' ? parkedContextOf(decision.arrival) : null),
  },
  { name: 'sighting', type: 'text', of: ({ arrival }) => arrival.sighting?.part ?? null },
  { name: 'delivery_id', type: 'text', of: ({ arrival }) => deliveryIdOf(arrival) },
  { name: 'is_event', type: 'bool', of: ({ isEvent }) => isEvent },
  { name: 'is_audited', type: 'bool', of: ({ decision }) => isAudited(decision) },
];

/** A newly parked key, and how long until it is tried again, in ms. */
export type ScheduledKey = NewlyParked & { readonly afterMs: number };

const PARKED_COLUMNS: readonly Column<ScheduledKey>[] = [
  { name: 'family', type: 'text', of: ({ family }) => family },
  { name: 'entity_key', type: 'text', of: ({ key }) => key },
  { name: 'reason', type: 'text', of: ({ reason }) => reason },
  { name: 'event_id', type: 'text', of: ({ eventId }) => eventId },
  { name: 'after_ms', type: 'float8', of: ({ afterMs }) => afterMs },
];

/** How far a partition moves, and what became of the offsets that it passes. */
export interface Move extends Place {
  readonly firstOffset: bigint;
  readonly nextOffset: bigint;
  /** Of the last record that it passes. */
  readonly mark: RecordMark | undefined;
  readonly counts: Counts;
}

const MOVE_COLUMNS: readonly Column<Move>[] = [
  { name: 'topic', type: 'text', of: ({ topic }) => topic },
  { name: 'partition', type: 'int', of: ({ partition }) => partition },
  { name: 'first_offset', type: 'bigint', of: ({ firstOffset }) => firstOffset },
  { name: 'next_offset', type: 'bigint', of: ({ nextOffset }) => nextOffset },
  { name: 'mark_event_id', type: 'text', of: ({ mark }) => mark?.eventId },
  { name: 'mark_appended_ms', type: 'bigint', of: ({ mark }) => mark?.appendedMs },
  { name: 'mark_leader_epoch', type: 'int', of: ({ mark }) => mark?.leaderEpoch },
  ...dispositions.map((name): Column<Move> => ({ name, type: 'bigint', of: ({ counts }) => counts[name] })),
];

const [BODIES, GROUP, ACTOR, DECIDED] = [1, 2, 3, 4] as const;
const FACTS = DECIDED + DECIDED_COLUMNS.length;
const PARKED = FACTS + FACT_COLUMNS.length;
const MOVES = PARKED + PARKED_COLUMNS.length;

/**
 * Everything that the batches of a transaction leave behind besides their entities' rows,
 * in one round trip. The counts of all offsets passed move the ledger; it is locked by this
 * transaction, the condition on its position only states what that lock has made sure of.
 */
const RECORD = statement(
  'record',
  `WITH given AS MATERIALIZED (SELECT * FROM ${unnested(DECIDED_COLUMNS, DECIDED, 'given')}),
   events AS (
     INSERT INTO webhook_events (razorpay_event_id, created_at, event_type, family, entity_key, processed, verdict,
       reason, account_id, endpoint,
                                 received_at, processed_at, kafka_topic, kafka_partition, kafka_offset, body_key,
                                   payload, traceparent, sighting, secret_position,
                                  counted)
     SELECT event_id, to_timestamp(created), event_type, family, entity_key, verdict IN ${PROCESSED_SQL}, verdict,
       reason, account_id, endpoint,
            to_timestamp(received), CASE WHEN verdict IN ${PROCESSED_SQL} THEN now() END, topic, partition,
              kafka_offset, body_key, ${cutBody(BODIES)}, traceparent, sighting, secret_position,
              true
       FROM given WHERE is_event
     ON CONFLICT DO NOTHING RETURNING kafka_topic, kafka_partition, ${ROW_IDENTITY} AS identity),
   digests AS (SELECT kafka_topic, kafka_partition, sum(identity) AS digest FROM events GROUP BY 1, 2),
   conflicts AS (
     INSERT INTO event_conflicts (razorpay_event_id, body_sha256, kept_as, event_type, family, entity_key, account_id,
       endpoint, received_at,
                                  kafka_topic, kafka_partition, kafka_offset)
     SELECT claimed_id, decode(body_sha256, 'hex'), event_id, event_type, family, entity_key, account_id, endpoint,
       to_timestamp(received), topic, partition, kafka_offset
       FROM given WHERE claimed_id IS NOT NULL
     ON CONFLICT DO NOTHING),
   ${auditOfGiven(ACTOR)},
   ${outboxOf(FACTS)},
   parked AS (
     INSERT INTO parked_keys (family, entity_key, consumer_group, reason, failing_event_id, next_attempt_at)
     SELECT family, entity_key, $${GROUP}, reason, event_id, clock_timestamp() + after_ms * interval '1 millisecond'
       FROM ${unnested(PARKED_COLUMNS, PARKED, 'failed')}
     ON CONFLICT DO NOTHING RETURNING 1),
   ledger AS (
     UPDATE partition_ledger l
        SET next_offset = m.next_offset, updated_at = now(), moved_at = now(),
            mark_event_id = m.mark_event_id, mark_appended_ms = m.mark_appended_ms,
              mark_leader_epoch = m.mark_leader_epoch,
              ${dispositions.map((name) => `${name} = l.${name} + m.${name}`).join(', ')},
              rows_digest = l.rows_digest + coalesce(d.digest, 0)
       FROM ${unnested(MOVE_COLUMNS, MOVES, 'm')}
       LEFT JOIN digests d ON d.kafka_topic = m.topic AND d.kafka_partition = m.partition
      WHERE l.consumer_group = $${GROUP} AND l.topic = m.topic AND l.partition = m.partition
        AND l.next_offset = m.first_offset
     RETURNING 1)
   SELECT (SELECT count(*) FROM events) AS events, (SELECT count(*) FROM parked) AS parked, (SELECT count(*)
     FROM ledger) AS ledger`,
);

export interface ToRecord {
  readonly group: string;
  readonly moves: readonly Move[];
  /** Events that are new. */
  readonly decisions: readonly Decision[];
  readonly parked: readonly ScheduledKey[];
}

export const recordDecisions = async (
  tx: Transaction,
  { group, moves, decisions, parked }: ToRecord,
): Promise<void> => {
  const [sighted, kept] = partitioned(decisions, ({ disposition }) => disposition === 'sighted');
  const bodies = withBodies(kept.map(({ arrival }) => arrival));
  const rows = [
    ...kept.map((decision, index): DecidedRow => ({ ...(bodies[index] as KeptRow), decision, isEvent: true })),
    ...sighted.map(
      (decision): DecidedRow => ({ decision, arrival: decision.arrival, bodyFrom: 1, bodyLength: 0, isEvent: false }),
    ),
  ];
  const [result] = await tx.query<{ events: number; parked: number; ledger: number }>(RECORD, [
    Buffer.concat(kept.map(({ arrival }) => arrival.body)),
    group,
    consumerActor(group),
    ...arraysOf(DECIDED_COLUMNS, rows),
    ...factArrays(decisions),
    ...arraysOf(PARKED_COLUMNS, parked),
    ...arraysOf(MOVE_COLUMNS, moves),
  ]);
  if (result?.events !== kept.length)
    throw new LostRace(`${kept.length} events were new, but ${result?.events} could be inserted`);
  if (result.parked !== parked.length)
    throw new LostRace(
      `${parked.length} keys were to be parked, but ${parked.length - result.parked} of them were parked meanwhile`,
    );
  if (result.ledger !== moves.length)
    throw new LostRace(
      `partition_ledger of ${group} is not where it was locked: ` +
        `${moves.map((move) => `${placeName(move)} at ${move.firstOffset}`).join(', ')}`,
    );
};

const partitioned = <Item>(items: readonly Item[], belongs: (item: Item) => boolean): readonly [Item[], Item[]] => {
  const { there = [], not = [] } = Object.groupBy(items, (item) => (belongs(item) ? 'there' : 'not'));
  return [there, not];
};

export const consumerActor = (group: string): string => `consumer:${group}`;
