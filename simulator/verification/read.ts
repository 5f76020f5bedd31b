import { familySpec } from '#catalogue';
import type { Aggregate } from '#families';
import { adHoc } from '#platform/postgres';
import type { Transaction } from '#platform/postgres';
import type { Field } from '#rules';
import type { FoundEvent, FoundRow } from './compare.ts';

type Reader = Pick<Transaction, 'query'>;

/** Ids per query: enough to be few queries, few enough for one answer to fit in memory. */
const CHUNK = 2_000;

const chunks = function* (ids: readonly string[]): Generator<readonly string[]> {
  for (let from = 0; from < ids.length; from += CHUNK) yield ids.slice(from, from + CHUNK);
};

/**
 * The rows of a family by key. Written apart from the store's own SQL, so that an error there is not made here again.
 */
export const readRows = async (
  db: Reader,
  { family, fields }: Aggregate,
  keys: readonly string[],
): Promise<ReadonlyMap<string, FoundRow>> => {
  const { table, keyColumn } = familySpec(family);
  const columns = Object.entries(fields).map(([name, { type }]) => asHeld(name, type));
  const sql = adHoc(
    `SELECT ${keyColumn} AS entity_key, status, merge_record, ${columns.join(', ')} FROM ${table}
      WHERE ${keyColumn} = ANY($1::text[])`,
  );
  const rows = new Map<string, FoundRow>();
  for (const chunk of chunks(keys)) {
    for (const row of await db.query<FoundRow & { readonly entity_key: string }>(sql, [chunk]))
      rows.set(row.entity_key, row);
  }
  return rows;
};

const asHeld = (name: string, type: Field['type']): string =>
  type === 'timestamptz' ? `(extract(epoch FROM ${name}) * 1000)::float8 AS ${name}` : name;

const EVENTS = adHoc(
  `SELECT razorpay_event_id, count(*)::int AS rows, bool_and(processed) AS processed, max(reason) AS reason,
    max(encode(sha256(payload), 'hex')) AS sha256
     FROM webhook_events WHERE razorpay_event_id = ANY($1::text[]) GROUP BY razorpay_event_id`,
);

export const readEvents = async (db: Reader, eventIds: readonly string[]): Promise<ReadonlyMap<string, FoundEvent>> => {
  const events = new Map<string, FoundEvent>();
  for (const chunk of chunks(eventIds)) {
    for (const row of await db.query<FoundEvent & { readonly razorpay_event_id: string }>(EVENTS, [chunk]))
      events.set(row.razorpay_event_id, row);
  }
  return events;
};
