import { arrivalOfRow } from '#apply';
import type { Families, KeyRef, WaitingRow } from '#apply';
import { eventNames, eventsOf, eventSpec, familySpec, sightedFamily } from '#catalogue';
import type { EventName, Family } from '#catalogue';
import { adHoc } from '#platform/postgres';
import type { Database, Transaction } from '#platform/postgres';
import type { Snapshot } from '#rules';
import { KEPT_BODY, sightingArrivals, sightingsOf } from './kept-body.ts';
import { readEverything } from './row-audit.ts';

/**
 * Which events tell of which entity: the family's own, and those of other families in whose body one of its entities
 * stands beside the subject. The list is temporary, so all of it is done on one connection.
 */
const SOURCES = 'rebuild_sources';
/** Bodies in memory at once; each has up to 1 MiB. */
const BODIES_AT_ONCE = 50;

/** Verdicts of events that their entity's row reflects, and of sightings that have a row of their own. */
const APPLIED = "('applied', 'kept', 'stale', 'sighted')";
/**
 * In the quarantine lies what nobody understood: its sightings were
 * never published, and `quarantine replay` brings them.
 */
const SEEN = "sighting IS NULL AND verdict <> 'quarantined' AND payload <> ''";

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
        `CREATE TEMP TABLE ${SOURCES} (number bigserial, entity_key text NOT NULL, event_id text NOT NULL,
          created_at timestamptz NOT NULL, part text, is_moved boolean NOT NULL DEFAULT false)`,
      ),
    );
    await tx.query(
      adHoc(
        // Events that were kept when they came and are the family's now (docs/adr/0016); kept by another name, not
        // kept's.
        `INSERT INTO ${SOURCES} (entity_key, event_id, created_at, is_moved)
         SELECT entity_key, razorpay_event_id, created_at, family <> $1 FROM webhook_events
          WHERE verdict IN ${APPLIED} AND (family IN ($1, 'kept') AND event_type = ANY($2::text[])
                OR family = $1 AND family <> 'kept')`,
      ),
      [family, eventsOf(family)],
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
      `DECLARE rebuild_beside NO SCROLL CURSOR FOR SELECT ${KEPT_BODY} FROM webhook_events
        WHERE event_type IN (${names.map((name) => `'${name}'`).join(', ')}) AND ${SEEN}`,
    ),
  );
  for (;;) {
    // Ends: the cursor moves on with every round.
    const rows = await tx.query<WaitingRow>(adHoc(`FETCH ${BODIES_AT_ONCE} FROM rebuild_beside`));
    if (rows.length === 0) break;
    const found = rows.flatMap((row) =>
      sightingsOf(row)
        .filter((one) => one.family === family)
        .map(({ key, sighting }) => ({ row, key, sighting })),
    );
    await tx.query(
      adHoc(
        `INSERT INTO ${SOURCES} (entity_key, event_id, created_at, part)
         SELECT key, id, created::timestamptz, part FROM unnest($1::text[], $2::text[], $3::text[],
           $4::text[]) AS given (key, id, created, part)`,
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

/**
 * What one event says of an entity; null where its body was erased,
 * undefined where there is nothing to be read any more.
 */
export interface Source {
  readonly key: string;
  readonly snapshot: Snapshot | null | undefined;
  /** The event's row, where it stands as kept and is the family's now. */
  readonly moved?: MovedEvent;
}

/** A row of webhook_events; `created` as text to the microsecond. */
export interface MovedEvent {
  readonly eventId: string;
  readonly created: string;
}

type SourceRow = WaitingRow & {
  readonly key: string;
  readonly number: number;
  readonly part: string | null;
  readonly is_moved: boolean;
};

/** All sources of these keys, one after the other, in order of their keys. */
export async function* sourcesFor(
  tx: Transaction,
  families: Families,
  family: Family,
  keys: readonly string[],
): AsyncGenerator<Source> {
  const page = adHoc(
    `SELECT s.entity_key AS key, s.number, s.part, s.is_moved, e.* FROM ${SOURCES} s
      CROSS JOIN LATERAL (SELECT ${KEPT_BODY} FROM webhook_events w
                           WHERE w.razorpay_event_id = s.event_id AND w.created_at = s.created_at OFFSET 0) e
      WHERE s.entity_key = ANY($1::text[]) AND (s.entity_key, s.number) > ($2, $3::bigint)
      ORDER BY s.entity_key, s.number LIMIT ${BODIES_AT_ONCE}`,
  );
  let [key, number] = ['', 0];
  for (;;) {
    // Ends: every page begins after the one before.
    const rows = await tx.query<SourceRow>(page, [keys, key, number]);
    for (const row of rows)
      yield {
        key: row.key,
        snapshot: snapshotOf(row, { family, key: row.key }, families),
        ...(row.is_moved && { moved: { eventId: row.razorpay_event_id, created: row.created } }),
      };
    const last = rows.at(-1);
    if (last === undefined) return;
    [key, number] = [last.key, last.number];
  }
}

const snapshotOf = (row: SourceRow, ref: KeyRef, families: Families): Source['snapshot'] => {
  if (row.payload.length === 0) return null;
  const arrival =
    row.part === null
      ? arrivalOfRow(row, ref, families)
      : sightingArrivals(row, families).find(
          ({ task, sighting }) =>
            task.kind === 'apply' && task.family === ref.family && task.key === ref.key && sighting?.part === row.part,
        );
  return arrival?.task.kind === 'apply' ? arrival.task.snapshot : undefined;
};

/** Hands events over that were kept: their rows become the family's, and what was kept of the entity goes. */
export const takeOver = async (
  tx: Transaction,
  family: Family,
  keys: readonly string[],
  moved: readonly MovedEvent[],
): Promise<void> => {
  if (moved.length === 0) return;
  await tx.query(
    adHoc(
      `UPDATE webhook_events e SET family = $1 FROM unnest($2::text[], $3::timestamptz[]) AS given (id, created)
        WHERE e.razorpay_event_id = given.id AND e.created_at = given.created AND e.family = 'kept'`,
    ),
    [family, moved.map(({ eventId }) => eventId), moved.map(({ created }) => created)],
  );
  await tx.query(
    adHoc(`DELETE FROM ${familySpec('kept').table} WHERE entity = ANY($1::text[]) AND event = ANY($2::text[])`),
    [keys, eventsOf(family)],
  );
};
