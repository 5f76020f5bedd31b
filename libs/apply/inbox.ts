import { statement } from '#platform/postgres';
import type { Transaction } from '#platform/postgres';
import { bodyKeyOf, hasBody, keptAt, underDerivedId } from './arrival.ts';
import type { Arrival, ArrivalTask } from './arrival.ts';
import type { Locking, Place } from './ledger.ts';
import { contextOf } from './trace.ts';

/** An event that is already kept. */
export interface KnownEvent {
  readonly eventId: string;
  /** SHA-256 of its body. */
  readonly digest: Buffer;
  /** Of a sighting, the key below `payload`; null for an event. */
  readonly part: string | null;
  /** Under which time its row stands, as text to the microsecond. */
  readonly created: string;
  /** When its first delivery was received, in epoch ms. */
  readonly receivedMs: number;
  /** Where its row stands, when it is in the quarantine. */
  readonly quarantined: Quarantined | null;
}

/** What is kept already of a batch: by event id, and by `bodyName`. */
export interface KnownEvents {
  readonly byId: ReadonlyMap<string, KnownEvent>;
  readonly byBody: ReadonlyMap<string, KnownEvent>;
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
  readonly part: string | null;
  readonly is_quarantined: boolean;
  readonly received_ms: number;
}

const COLUMNS = `razorpay_event_id, coalesce(erased_sha256, sha256(payload)) AS body_sha256, verdict = 'quarantined' AS is_quarantined, created_at::text AS created, sighting AS part,
             date_part('epoch', received_at) * 1000 AS received_ms, kafka_topic AS topic, kafka_partition AS partition`;

/**
 * A copy of an event has the same created_at; the day on either side is searched so
 * that another body under the same id is found although its time differs. OFFSET 0
 * keeps the planner from turning the look-ups into one scan of all partitions.
 * Parameters 3 and 4 are the first and the last of the times: by conditions on parameters alone Postgres leaves out
 * the partitions of other days before it begins, which is half of what looking up a few events costs.
 */
const FIND_NEAR = statement(
  'find_events_near',
  `SELECT known.* FROM unnest($1::text[], $2::float8[]) AS given (id, at)
    CROSS JOIN LATERAL (
      SELECT ${COLUMNS}
        FROM webhook_events
       WHERE razorpay_event_id = given.id
         AND created_at >= to_timestamp(given.at - 86400) AND created_at <= to_timestamp(given.at + 86400)
         AND created_at >= to_timestamp($3::float8 - 86400) AND created_at <= to_timestamp($4::float8 + 86400)
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
/**
 * The event id is not signed: one captured body can come under any
 * number of ids. Its time is in it, so one partition is asked.
 */
const FIND_BODY = statement(
  'find_bodies',
  `SELECT known.* FROM unnest($1::bigint[], $2::float8[]) AS given (body, at)
    CROSS JOIN LATERAL (
      SELECT ${COLUMNS}
        FROM webhook_events WHERE body_key = given.body AND created_at = to_timestamp(given.at)
         AND created_at >= to_timestamp($3::float8) AND created_at <= to_timestamp($4::float8)
          LIMIT 1 OFFSET 0) AS known`,
);
const FIND_BODY_ANYWHERE = statement(
  'find_bodies_anywhere',
  `SELECT known.* FROM unnest($1::bigint[]) AS given (body)
    CROSS JOIN LATERAL (
      SELECT ${COLUMNS}
        FROM webhook_events WHERE body_key = given.body ORDER BY created_at LIMIT 1 OFFSET 0) AS known`,
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
 * Takes the ids of bodies without a time: the time of their reception is part of the
 * primary key, which differs from copy to copy, so it does not keep two first copies
 * apart that two processes apply at once. Answers the ids that another transaction has.
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

const secondsOf = ({ occurredAt }: Arrival): number => Number(occurredAt) / 1000;
/** The time of each in s, then the first and the last of them. */
const timesOf = (dated: readonly Arrival[]): readonly [readonly number[], number, number] => {
  const times = dated.map(secondsOf);
  const [first, last] = times.reduce(([min, max], at) => [Math.min(min, at), Math.max(max, at)], [Infinity, -Infinity]);
  return [times, first, last];
};
/** A sighting has the body of the event beside it, and is not that event. */
const bodyName = ({ digest, part }: Pick<KnownEvent, 'digest' | 'part'>): string =>
  `${digest.toString('latin1')}${part ?? ''}`;
const partOf = ({ sighting }: Arrival): string | null => sighting?.part ?? null;

/** Which of the events are kept already. */
export const findKnown = async (tx: Transaction, arrivals: readonly Arrival[]): Promise<KnownEvents> => {
  const [ids, byBody] = await Promise.all([findIds(tx, arrivals), findBodies(tx, arrivals)]);
  // A release before sightings has kept theirs under the same ids, without the part.
  const parts = new Map(arrivals.map((arrival) => [arrival.eventId, partOf(arrival)]));
  const byId = ids.map((event) => ({ ...event, part: parts.get(event.eventId) ?? event.part }));
  const known = {
    byId: new Map(byId.map((event) => [event.eventId, event])),
    byBody: new Map([...byId, ...byBody].map((event) => [bodyName(event), event])),
  };
  const conflicts = classify(arrivals, known).fresh.filter(({ claimedId }) => claimedId !== undefined);
  // A release that kept no body_key may have kept the body under the id that it would get now.
  for (const event of await findIds(tx, conflicts)) known.byBody.set(bodyName(event), event);
  return known;
};

const findIds = async (tx: Transaction, arrivals: readonly Arrival[]): Promise<readonly KnownEvent[]> => {
  const [dated, undated] = byTime(arrivals);
  const rows = await Promise.all([
    dated.length === 0 ? [] : tx.query<KnownRow>(FIND_NEAR, [dated.map(({ eventId }) => eventId), ...timesOf(dated)]),
    undated.length === 0 ? [] : tx.query<KnownRow>(FIND_ANYWHERE, [undated.map(({ eventId }) => eventId)]),
  ]);
  return rows.flat().map(knownOf);
};

const findBodies = async (tx: Transaction, arrivals: readonly Arrival[]): Promise<readonly KnownEvent[]> => {
  const [dated, undated] = byTime(arrivals.filter(hasBody));
  const rows = await Promise.all([
    dated.length === 0 ? [] : tx.query<KnownRow>(FIND_BODY, [dated.map(bodyKeyOf), ...timesOf(dated)]),
    undated.length === 0 ? [] : tx.query<KnownRow>(FIND_BODY_ANYWHERE, [undated.map(bodyKeyOf)]),
  ]);
  return rows.flat().map(knownOf);
};

const byTime = (arrivals: readonly Arrival[]): readonly [dated: readonly Arrival[], undated: readonly Arrival[]] => [
  arrivals.filter(({ occurredAt }) => occurredAt !== null),
  arrivals.filter(({ occurredAt }) => occurredAt === null),
];

const knownOf = ({
  razorpay_event_id,
  body_sha256,
  part,
  is_quarantined,
  created,
  topic,
  partition,
  received_ms,
}: KnownRow): KnownEvent => ({
  eventId: razorpay_event_id,
  digest: body_sha256,
  part,
  created,
  receivedMs: Math.round(received_ms),
  quarantined: is_quarantined ? { created, topic, partition } : null,
});

/** A copy that can be applied, of an event that is kept in the quarantine. */
export interface Understandable extends Place {
  readonly eventId: string;
  readonly offset: bigint;
  readonly task: Extract<ArrivalTask, { kind: 'apply' }>;
  readonly row: Quarantined;
  /** The key below `payload` of a sighting's snapshot; null for an event. */
  readonly sighting: string | null;
  readonly traceparent: string | null;
}

/** A further copy, and the event that it is a copy of. */
export interface Copy {
  readonly arrival: Arrival;
  readonly of: KnownEvent;
}

/** A batch, split by what is known of each event's id and body. Each keeps the order of the batch. */
export interface Classified {
  /** With `claimedId` where another body has the event's id. */
  readonly fresh: readonly Arrival[];
  readonly duplicates: readonly Copy[];
  /** Of the duplicates, those whose first copy is in the quarantine and that are understood now. */
  readonly understood: readonly Understandable[];
}

/** Under the same id, and not understood where it came before: the one that is understood is the event. */
const isUnreadCopy = (one: Arrival, { eventId }: Arrival): boolean =>
  one.task.kind === 'keep' && one.eventId === eventId;

/** Compares with what Postgres has and with what came before in the batch itself. */
export const classify = (arrivals: readonly Arrival[], known: KnownEvents): Classified => {
  const classified = { fresh: [] as Arrival[], duplicates: [] as Copy[], understood: [] as Understandable[] };
  const [byId, byBody] = [new Map(known.byId), new Map(known.byBody)];
  const begin = (arrival: Arrival): void => {
    const { eventId, digest, receivedAt: receivedMs } = arrival;
    const created = new Date(keptAt(arrival)).toISOString();
    const event = { eventId, digest, part: partOf(arrival), created, receivedMs, quarantined: null };
    byId.set(eventId, event);
    if (hasBody(arrival)) byBody.set(bodyName(event), event);
    classified.fresh.push(arrival);
  };
  for (const arrival of arrivals) {
    const { topic, partition, offset, task, digest } = arrival;
    const body = bodyName({ digest, part: partOf(arrival) });
    const sameId = byId.get(arrival.eventId);
    const first = sameId?.digest.equals(digest) === true || !hasBody(arrival) ? sameId : byBody.get(body);
    if (first === undefined || !first.digest.equals(digest)) {
      begin(sameId === undefined ? arrival : underDerivedId(arrival));
      continue;
    }
    const unread = task.kind === 'keep' ? -1 : classified.fresh.findIndex((fresh) => isUnreadCopy(fresh, arrival));
    const [copy] = unread < 0 ? [] : classified.fresh.splice(unread, 1);
    if (copy !== undefined) {
      begin(arrival);
      classified.duplicates.push({ arrival: copy, of: byId.get(arrival.eventId) ?? first });
    } else {
      classified.duplicates.push({ arrival, of: first });
      if (first.quarantined === null || task.kind === 'keep') continue;
      classified.understood.push({
        topic,
        partition,
        eventId: first.eventId,
        offset,
        task,
        row: first.quarantined,
        sighting: partOf(arrival),
        traceparent: contextOf(arrival),
      });
      byId.set(first.eventId, { ...first, quarantined: null });
      byBody.set(body, { ...first, quarantined: null });
    }
  }
  return classified;
};
