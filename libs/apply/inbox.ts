import { statement } from '#platform/postgres';
import type { Transaction } from '#platform/postgres';
import { sha256 } from './arrival.ts';
import type { Arrival, ArrivalTask } from './arrival.ts';
import type { Locking, Place } from './ledger.ts';

/** An event that is already kept. */
export interface KnownEvent {
  /** Where its row stands, when it is in the quarantine. */
  readonly quarantined: Quarantined | null;
  readonly isSameBody: (body: Uint8Array) => boolean;
}

/** The row of a quarantined event. */
export interface Quarantined {
  /** As text, so that it finds its row again to the microsecond. */
  readonly created: string;
  readonly topic: string;
  readonly partition: number;
}

interface KnownRow extends Quarantined {
  readonly razorpay_event_id: string;
  readonly body_sha256: Buffer;
  readonly is_quarantined: boolean;
}

const COLUMNS = `razorpay_event_id, sha256(payload) AS body_sha256, verdict = 'quarantined' AS is_quarantined, created_at::text AS created,
             kafka_topic AS topic, kafka_partition AS partition`;

/**
 * A copy of an event has the same created_at; the day on either side is searched so that another body under the same id is
 * found although its time differs. OFFSET 0 keeps the planner from turning the look-ups into one scan of all partitions.
 */
const FIND_NEAR = statement(
  'find_events_near',
  `SELECT known.* FROM unnest($1::text[], $2::float8[]) AS given (id, at)
    CROSS JOIN LATERAL (
      SELECT ${COLUMNS}
        FROM webhook_events
       WHERE razorpay_event_id = given.id
         AND created_at >= to_timestamp(given.at - 86400) AND created_at <= to_timestamp(given.at + 86400)
       ORDER BY created_at LIMIT 1 OFFSET 0) AS known`,
);
/** For bodies without a time: their first copy may be in any partition. */
const FIND_ANYWHERE = statement(
  'find_events_anywhere',
  `SELECT known.* FROM unnest($1::text[]) AS given (id)
    CROSS JOIN LATERAL (
      SELECT ${COLUMNS}
        FROM webhook_events WHERE razorpay_event_id = given.id ORDER BY created_at LIMIT 1 OFFSET 0) AS known`,
);

/** Sorted, so that transactions never wait for each other in a circle. */
const UNDATED = '(SELECT DISTINCT id FROM unnest($1::text[]) AS given (id) ORDER BY 1) AS undated';
const LOCK_UNDATED = {
  wait: statement('lock_undated', `SELECT pg_advisory_xact_lock(hashtextextended(id, 0)) FROM ${UNDATED}`),
  skip: statement(
    'lock_undated_free',
    `SELECT id FROM ${UNDATED} WHERE NOT pg_try_advisory_xact_lock(hashtextextended(id, 0))`,
  ),
} as const;

/**
 * Takes the ids of bodies without a time: the time of their reception is part of the primary key, which differs from copy to copy, so
 * it does not keep two first copies apart that two processes apply at once. Answers the ids that another transaction has.
 */
export const lockUndated = async (
  tx: Transaction,
  arrivals: readonly Arrival[],
  locking: Locking,
): Promise<ReadonlySet<string>> => {
  const undated = arrivals.filter(({ occurredAt }) => occurredAt === null).map(({ eventId }) => eventId);
  if (undated.length === 0) return new Set();
  const rows = await tx.query<{ readonly id?: string }>(LOCK_UNDATED[locking], [undated]);
  return new Set(rows.flatMap(({ id }) => (id === undefined ? [] : [id])));
};

/** Which of the events are kept already, by event id. */
export const findKnown = async (
  tx: Transaction,
  arrivals: readonly Arrival[],
): Promise<ReadonlyMap<string, KnownEvent>> => {
  const dated = arrivals.filter(({ occurredAt }) => occurredAt !== null);
  const undated = arrivals.filter(({ occurredAt }) => occurredAt === null);
  const [near, anywhere] = await Promise.all([
    dated.length === 0
      ? []
      : tx.query<KnownRow>(FIND_NEAR, [
          dated.map(({ eventId }) => eventId),
          dated.map(({ occurredAt }) => Number(occurredAt) / 1000),
        ]),
    undated.length === 0 ? [] : tx.query<KnownRow>(FIND_ANYWHERE, [undated.map(({ eventId }) => eventId)]),
  ]);
  return new Map([...near, ...anywhere].map((row) => [row.razorpay_event_id, knownOf(row)]));
};

const knownOf = ({ body_sha256, is_quarantined, created, topic, partition }: KnownRow): KnownEvent => ({
  quarantined: is_quarantined ? { created, topic, partition } : null,
  isSameBody: (body) => sha256(body).equals(body_sha256),
});

/** A copy that can be applied, of an event that is kept in the quarantine. */
export interface Understandable extends Place {
  readonly eventId: string;
  readonly offset: bigint;
  readonly task: Extract<ArrivalTask, { kind: 'apply' }>;
  readonly row: Quarantined;
  readonly traceparent: string | null;
}

/** A batch, split by what is known of each event's id. Each keeps the order of the batch. */
export interface Classified {
  readonly fresh: readonly Arrival[];
  readonly duplicates: readonly Arrival[];
  /** Of the duplicates, those whose first copy is in the quarantine and that are understood now. */
  readonly understood: readonly Understandable[];
  /** Another body under an id that is taken. */
  readonly conflicts: readonly Arrival[];
}

/** Compares with what Postgres has and with what came before in the batch itself. */
export const classify = (arrivals: readonly Arrival[], known: ReadonlyMap<string, KnownEvent>): Classified => {
  const classified = {
    fresh: [] as Arrival[],
    duplicates: [] as Arrival[],
    understood: [] as Understandable[],
    conflicts: [] as Arrival[],
  };
  const seen = new Map(known);
  for (const arrival of arrivals) {
    const first = seen.get(arrival.eventId);
    if (first === undefined) {
      seen.set(arrival.eventId, { quarantined: null, isSameBody: (body) => arrival.body.equals(body) });
      classified.fresh.push(arrival);
    } else if (first.isSameBody(arrival.body)) {
      classified.duplicates.push(arrival);
      const { topic, partition, eventId, offset, task, traceparent } = arrival;
      if (first.quarantined === null || task.kind === 'keep') continue;
      classified.understood.push({ topic, partition, eventId, offset, task, row: first.quarantined, traceparent });
      seen.set(arrival.eventId, { ...first, quarantined: null });
    } else classified.conflicts.push(arrival);
  }
  return classified;
};
