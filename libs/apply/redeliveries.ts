import { arraysOf, statement, unnested } from '#platform/postgres';
import type { Column, Transaction } from '#platform/postgres';
import { isDelivery } from './arrival.ts';
import type { Copy } from './inbox.ts';

/** How many further deliveries of an event are told one by one; Razorpay's ladder has 15. More are counted. */
export const REDELIVERIES_TOLD_MAX = 32;

/** What came again of one event in this transaction. */
interface Redelivered {
  readonly eventId: string;
  /** Of its row in webhook_events, as text to the microsecond. */
  readonly created: string;
  readonly digest: Buffer;
  readonly times: number;
  readonly lastMs: number;
  /** The first of them, as they are stored. */
  readonly told: readonly Readonly<Record<string, unknown>>[];
}

const COLUMNS: readonly Column<Redelivered>[] = [
  { name: 'event_id', type: 'text', of: ({ eventId }) => eventId },
  { name: 'created', type: 'text', of: ({ created }) => created },
  { name: 'digest', type: 'text', of: ({ digest }) => digest.toString('hex') },
  { name: 'times', type: 'bigint', of: ({ times }) => times },
  { name: 'last', type: 'float8', of: ({ lastMs }) => lastMs / 1000 },
  { name: 'told', type: 'text', of: ({ told }) => JSON.stringify(told) },
];

/** Those that are told already are the same records of Kafka, read again: they do not count twice. */
const NEW = `SELECT d FROM jsonb_array_elements(EXCLUDED.deliveries) WITH ORDINALITY AS given (d, number)
              WHERE NOT r.deliveries @> jsonb_build_array(d)`;
/** In key order, like all rows that two transactions may want. */
const RECORD = statement(
  'record_redeliveries',
  `INSERT INTO redeliveries AS r (razorpay_event_id, created_at, body_sha256, times, last_received_at, deliveries)
   SELECT event_id, created::timestamptz, decode(digest, 'hex'), times, to_timestamp(last), told::jsonb
     FROM ${unnested(COLUMNS, 1, 'given')} ORDER BY event_id, created
   ON CONFLICT (razorpay_event_id, created_at) DO UPDATE
      SET times = r.times + EXCLUDED.times - jsonb_array_length(EXCLUDED.deliveries) + (SELECT count(*)
        FROM (${NEW}) AS fresh),
          last_received_at = greatest(r.last_received_at, EXCLUDED.last_received_at),
          deliveries = r.deliveries || (
            SELECT coalesce(jsonb_agg(d), '[]') FROM (${NEW} ORDER BY number
              LIMIT greatest(0, ${REDELIVERIES_TOLD_MAX} - jsonb_array_length(r.deliveries))) AS fresh)`,
);

/**
 * Writes down that events came again: one statement for all of a transaction, none where
 * nothing did. A record that stands for the first delivery itself (read again after a
 * rebase, or produced again by a replay) has its time of reception and is no redelivery.
 */
export const recordRedeliveries = async (tx: Transaction, copies: readonly Copy[]): Promise<void> => {
  const rows = redeliveredOf(copies);
  if (rows.length > 0) await tx.query(RECORD, arraysOf(COLUMNS, rows));
};

const redeliveredOf = (copies: readonly Copy[]): readonly Redelivered[] => {
  const again = copies.filter(({ arrival, of }) => isDelivery(arrival) && arrival.receivedAt !== of.receivedMs);
  const byEvent = Map.groupBy(again, ({ of: { eventId, created } }) => `${eventId} ${created}`);
  return [...byEvent.values()].flatMap(([first, ...others]) => {
    if (first === undefined) return [];
    const byTime = new Map([first, ...others].map((copy) => [copy.arrival.receivedAt, copy]));
    const told = [...byTime.values()].slice(0, REDELIVERIES_TOLD_MAX).map(toldOf);
    const { eventId, created, digest } = first.of;
    return [{ eventId, created, digest, times: byTime.size, lastMs: Math.max(...byTime.keys()), told }];
  });
};

const toldOf = ({
  arrival: { receivedAt, secretPosition, endpoint, eventId },
  of,
}: Copy): Redelivered['told'][number] => ({
  at: new Date(receivedAt).toISOString(),
  secret: secretPosition ?? null,
  endpoint,
  ...(eventId !== of.eventId && { as: eventId }),
});
