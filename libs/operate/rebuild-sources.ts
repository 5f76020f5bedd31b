import { arrivalOf, arrivalOfRow } from '#apply';
import type { Families, KeyRef, WaitingRow } from '#apply';
import { eventNames, eventSpec, sightedFamily } from '#catalogue';
import type { EventName, Family } from '#catalogue';
import { toEnvelopes } from '#envelope';
import type { EventEnvelope } from '#envelope';
import { adHoc } from '#platform/postgres';
import type { Database, Transaction } from '#platform/postgres';
import { eventId, instant } from '#rules';
import type { Snapshot } from '#rules';
import { readEverything } from './row-audit.ts';

/**
 * Which events tell of which entity: the family's own, and those of other families in whose body one of its entities stands beside the
 * subject. The list is temporary, so all of it is done on one connection.
 */
const SOURCES = 'rebuild_sources';
/** Bodies in memory at once; each has up to 1 MiB. */
const BODIES_AT_ONCE = 50;

/** Verdicts of events that their entity's row reflects, and of sightings that have a row of their own. */
const APPLIED = "('applied', 'kept', 'stale', 'sighted')";
/** In the quarantine lies what nobody understood: its sightings were never published, and `quarantine replay` brings them. */
const SEEN = "sighting IS NULL AND verdict <> 'quarantined' AND payload <> ''";

const COLUMNS = `razorpay_event_id, created_at::text AS created, event_type, date_part('epoch', received_at) * 1000 AS received_ms,
       coalesce(endpoint, '') AS endpoint, account_id, kafka_topic, kafka_partition, kafka_offset, sighting, payload, NULL AS traceparent`;

/** Events whose body shows an entity of the family beside their subject. */
const besideEvents = (family: Family): readonly EventName[] =>
  eventNames.filter((name) => (eventSpec(name).beside ?? []).some((part) => sightedFamily(part) === family));

/** Notes all sources of the family's entities. Answers how many there are. */
export const noteSources = async (database: Database, family: Family): Promise<number> =>
  database.transaction(async (tx) => {
    await readEverything(tx);
    await tx.query(adHoc(`DROP TABLE IF EXISTS ${SOURCES}`));
    await tx.query(
      adHoc(
        `CREATE TEMP TABLE ${SOURCES} (number bigserial, entity_key text NOT NULL, event_id text NOT NULL, created_at timestamptz NOT NULL, part text)`,
      ),
    );
    await tx.query(
      adHoc(
        `INSERT INTO ${SOURCES} (entity_key, event_id, created_at)
         SELECT entity_key, razorpay_event_id, created_at FROM webhook_events WHERE family = $1 AND verdict IN ${APPLIED}`,
      ),
      [family],
    );
    await noteSightings(tx, family);
    await tx.query(adHoc(`CREATE INDEX ON ${SOURCES} (entity_key, number)`));
    await tx.query(adHoc(`ANALYZE ${SOURCES}`));
    const [found] = await tx.query<{ keys: number }>(
      adHoc(`SELECT count(DISTINCT entity_key) AS keys FROM ${SOURCES}`),
    );
    return found?.keys ?? 0;
  });

const noteSightings = async (tx: Transaction, family: Family): Promise<void> => {
  const names = besideEvents(family);
  if (names.length === 0) return;
  // A cursor takes no parameters; the names are those of the catalogue.
  await tx.query(
    adHoc(
      `DECLARE rebuild_beside NO SCROLL CURSOR FOR SELECT ${COLUMNS} FROM webhook_events
        WHERE event_type IN (${names.map((name) => `'${name}'`).join(', ')}) AND ${SEEN}`,
    ),
  );
  for (;;) {
    // Ends: the cursor moves on with every round.
    const rows = await tx.query<WaitingRow>(adHoc(`FETCH ${BODIES_AT_ONCE} FROM rebuild_beside`));
    if (rows.length === 0) break;
    const found = rows.flatMap((row) => sightingsOf(row, family).map(({ key, sighting }) => ({ row, key, sighting })));
    await tx.query(
      adHoc(
        `INSERT INTO ${SOURCES} (entity_key, event_id, created_at, part)
         SELECT key, id, created::timestamptz, part FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS given (key, id, created, part)`,
      ),
      [
        found.map(({ key }) => key),
        found.map(({ row }) => row.razorpay_event_id),
        found.map(({ row }) => row.created),
        found.map(({ sighting }) => sighting),
      ],
    );
  }
  await tx.query(adHoc('CLOSE rebuild_beside'));
};

/** The sightings of a kept body that are about the family, as ingest would publish them today. */
export const sightingsOf = (row: WaitingRow, family: Family): readonly EventEnvelope[] => {
  const [, ...sightings] = toEnvelopes({
    rawBody: row.payload,
    eventIdHeader: row.razorpay_event_id,
    endpoint: row.endpoint,
    receivedAt: instant(Math.round(row.received_ms)),
    traceparent: undefined,
  });
  return sightings
    .filter((one) => one.family === family)
    .map((one) => ({ ...one, eventId: eventId(row.razorpay_event_id) }));
};

/** The next keys after one, in order; none at the end. */
export const nextKeys = async (database: Database, after: string, limit: number): Promise<readonly string[]> =>
  (
    await database.query<{ key: string }>(
      adHoc(
        `SELECT DISTINCT entity_key AS key FROM ${SOURCES} WHERE entity_key > $1 ORDER BY entity_key LIMIT ${limit}`,
      ),
      [after],
    )
  ).map(({ key }) => key);

/** What one event says of an entity; null where its body was erased, undefined where there is nothing to be read any more. */
export interface Source {
  readonly key: string;
  readonly snapshot: Snapshot | null | undefined;
}

type SourceRow = WaitingRow & { readonly key: string; readonly number: number; readonly part: string | null };

/** All sources of these keys, one after the other, in order of their keys. */
export async function* sourcesFor(
  tx: Transaction,
  families: Families,
  family: Family,
  keys: readonly string[],
): AsyncGenerator<Source> {
  const page = adHoc(
    `SELECT s.entity_key AS key, s.number, s.part, e.* FROM ${SOURCES} s
      CROSS JOIN LATERAL (SELECT ${COLUMNS} FROM webhook_events w
                           WHERE w.razorpay_event_id = s.event_id AND w.created_at = s.created_at OFFSET 0) e
      WHERE s.entity_key = ANY($1::text[]) AND (s.entity_key, s.number) > ($2, $3::bigint)
      ORDER BY s.entity_key, s.number LIMIT ${BODIES_AT_ONCE}`,
  );
  let [key, number] = ['', 0];
  for (;;) {
    // Ends: every page begins after the one before.
    const rows = await tx.query<SourceRow>(page, [keys, key, number]);
    for (const row of rows) yield { key: row.key, snapshot: snapshotOf(row, { family, key: row.key }, families) };
    const last = rows.at(-1);
    if (last === undefined) return;
    [key, number] = [last.key, last.number];
  }
}

const snapshotOf = (row: SourceRow, ref: KeyRef, families: Families): Source['snapshot'] => {
  if (row.payload.length === 0) return null;
  const arrival = row.part === null ? arrivalOfRow(row, ref, families) : sightingArrival(row, ref, families);
  return arrival?.task.kind === 'apply' ? arrival.task.snapshot : undefined;
};

const sightingArrival = (row: SourceRow, { family, key }: KeyRef, families: Families) => {
  const envelope = sightingsOf(row, family).find((one) => one.sighting === row.part && one.key === key);
  if (envelope === undefined) return undefined;
  return arrivalOf(
    { offset: BigInt(row.kafka_offset), key, value: row.payload, envelope: { ok: true, value: envelope } },
    { topic: row.kafka_topic, partition: row.kafka_partition },
    families.aggregates,
    envelope.receivedAt,
  );
};
