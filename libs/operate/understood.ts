import { eventNames } from '#catalogue';
import { adHoc } from '#platform/postgres';
import type { Transaction } from '#platform/postgres';
import { readAgain } from './kept-body.ts';

/** Events of the quarantine that this release understands: each waits until somebody replays it. */
export interface Understood {
  readonly events: number;
  /** The one that came first; null when there is none. */
  readonly first: { readonly eventId: string; readonly event: string; readonly reason: string } | null;
  /** More were there than are read at once. */
  readonly isCut: boolean;
}

/** Bodies have up to 1 MiB: so many are held in memory, and so many are read by one look. */
const BATCH = 50;
const READ_MAX = 1_000;

interface CandidateRow {
  readonly eventId: string;
  readonly event: string;
  readonly reason: string;
  readonly receivedAt: string;
  readonly rawBody: Buffer;
}

/**
 * What has a name that the catalogue knows. Unknown names, of which there may be very many, are not read. The name is
 * compared as an expression, which no index has: by the index of names a day that was empty when Postgres last
 * analysed it would be read whole, since nearly every event has a known one.
 */
export const CANDIDATES = adHoc(
  `SELECT razorpay_event_id AS "eventId", event_type AS event, reason, received_at::text AS "receivedAt",
          payload AS "rawBody"
     FROM webhook_events
    WHERE NOT processed AND verdict = 'quarantined' AND endpoint IS NOT NULL AND event_type || '' = ANY ($1::text[])
      AND (received_at, razorpay_event_id) > ($2::timestamptz, $3)
    ORDER BY received_at, razorpay_event_id LIMIT ${BATCH}`,
);

/**
 * Reads quarantined bodies with today's catalogue, oldest first. An older release puts there what it does not
 * understand and a newer one does: in a rolling upgrade, or before it.
 */
export const understoodInQuarantine = async (database: Transaction): Promise<Understood> => {
  let events = 0;
  let first: Understood['first'] = null;
  let after: readonly [string, string] = ['-infinity', ''];
  for (let read = 0; read < READ_MAX; read += BATCH) {
    const rows = await database.query<CandidateRow>(CANDIDATES, [eventNames, ...after]);
    const understood = rows.filter((row) => readAgain(row).kind === 'event');
    events += understood.length;
    const [oldest] = understood;
    if (oldest !== undefined) first ??= { eventId: oldest.eventId, event: oldest.event, reason: oldest.reason };
    const last = rows.at(-1);
    if (last === undefined || rows.length < BATCH) return { events, first, isCut: false };
    after = [last.receivedAt, last.eventId];
  }
  return { events, first, isCut: true };
};
