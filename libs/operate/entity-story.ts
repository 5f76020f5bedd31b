import { families, familyNames, familySpec } from '#catalogue';
import type { Family } from '#catalogue';
import { rowSpec } from '#families';
import { adHoc, quotedName, statement } from '#platform/postgres';
import type { Transaction } from '#platform/postgres';

/** One entity as its state table has it. */
export interface EntityRow {
  readonly family: Family;
  readonly noun: string;
  readonly key: string;
  readonly status: string;
  /** Every column that has a value, by its name; times are dates, `*_minor` minor units of `currency`. */
  readonly columns: Readonly<Record<string, unknown>>;
}
export type EntityRef = Pick<EntityRow, 'family' | 'noun' | 'key'> & { readonly status: string | null };

/** One line of what happened, to the entity or to one that it belongs together with. */
export interface StoryEntry {
  /**
   * `event`: when it was received, or decided where it is not kept any more.
   * `operator`: when it was done. `told`: when it was delivered or last tried.
   */
  readonly at: Date;
  readonly kind: 'event' | 'operator' | 'told';
  readonly entity: string;
  /** Event, action or fact. */
  readonly what: string;
  /** Verdict of an event, or `redelivered` where it came again; status of a notification. */
  readonly outcome: string | null;
  readonly from: string | null;
  readonly to: string | null;
  /** Who did it, or who was told. */
  readonly who: string | null;
  readonly reason: string | null;
  readonly eventId: string | null;
  /**
   * Of an event that is kept: which secret signed this delivery (1 is
   * the first of its endpoint), and the body's SHA-256 in hex.
   */
  readonly secret?: number | null;
  readonly digest?: string | null;
}

export interface EntityStory {
  /** What was asked for: an entity's id or the id of one of its events. */
  readonly asked: { readonly kind: 'entity' | 'event'; readonly id: string };
  /** Null while no event of it was applied: all of them wait or are in quarantine. */
  readonly entity: EntityRow | null;
  readonly related: readonly EntityRef[];
  /** The oldest first. */
  readonly story: readonly StoryEntry[];
  /** More happened than is told here: so many of the newest entries of each kind are. */
  readonly isCut: boolean;
}

/** Related entities of one family, and entries of each kind in a story. */
const RELATED_MAX = 20;
const ENTRIES_MAX = 200;

interface Key {
  readonly family: Family;
  readonly key: string;
}

/**
 * All that is known of an id, whatever it is the id of: a payment, an order, a refund, … or an event. Undefined when
 * nothing is known of it. Reads by indexes alone.
 */
export const entityStory = async (database: Transaction, id: string): Promise<EntityStory | undefined> => {
  const found = await findEntity(database, id);
  if (found === undefined) return undefined;
  const { asked, key, entity } = found;
  const related = key === undefined || entity === null ? [] : await relatedOf(database, entity);
  const keys = [...(key === undefined ? [] : [key]), ...related];
  const parts = await Promise.all([
    key === undefined ? loneEvent(database, id) : eventsOfKeys(database, keys),
    redeliveriesOf(database, keys, id),
    waitingOfKeys(database, keys),
    toldOfKeys(database, keys),
  ]);
  // Each part has its newest first; of one moment the order in which they were decided stays.
  const story = parts.flatMap((part) => part.toReversed()).toSorted((a, b) => a.at.getTime() - b.at.getTime());
  return { asked, entity, related, story, isCut: parts.some(({ length }) => length === ENTRIES_MAX) };
};

interface Found {
  readonly asked: EntityStory['asked'];
  /** Undefined for an event that belongs to no entity: it lies in quarantine. */
  readonly key: Key | undefined;
  readonly entity: EntityRow | null;
}

const EVENT = statement(
  'story_event',
  'SELECT family, entity_key AS key FROM webhook_events WHERE razorpay_event_id = $1 ORDER BY created_at LIMIT 1',
);

const findEntity = async (database: Transaction, id: string): Promise<Found | undefined> => {
  for (const family of familiesOfId(id)) {
    const key = family === 'accounts' ? id.replace(/^acc_/, '') : id;
    const entity = await rowOf(database, { family, key });
    if (entity !== null) return { asked: { kind: 'entity', id }, key: { family, key }, entity };
  }
  const [event] = await database.query<{ family: Family | null; key: string | null }>(EVENT, [id]);
  if (event !== undefined) {
    const key = event.family === null || event.key === null ? undefined : { family: event.family, key: event.key };
    return { asked: { kind: 'event', id }, key, entity: key === undefined ? null : await rowOf(database, key) };
  }
  const [waiting] = await waitingOfKeys(
    database,
    familiesOfId(id).map((family) => ({ family, key: id })),
  );
  if (waiting === undefined) return undefined;
  return { asked: { kind: 'entity', id }, key: { family: waiting.family, key: id }, entity: null };
};

/** Those whose ids begin like this one; all where none does, since some bodies have ids without their prefix. */
export const familiesOfId = (id: string): readonly Family[] => {
  if (id.startsWith('acc_')) return ['accounts'];
  const named = familyNames.filter((name) => families[name].idPrefix !== '' && id.startsWith(families[name].idPrefix));
  return named.length > 0 ? named : familyNames;
};

const rowOf = async (database: Transaction, { family, key }: Key): Promise<EntityRow | null> => {
  const { table, keyColumn, noun } = familySpec(family);
  const names = Object.keys(rowSpec(family).columns);
  const [row] = await database.query<Readonly<Record<string, unknown>> & { readonly status: string }>(
    adHoc(`SELECT ${['status', ...names].map(quotedName).join(', ')} FROM ${table} WHERE ${keyColumn} = $1`),
    [key],
  );
  if (row === undefined) return null;
  const columns = Object.fromEntries(names.filter((name) => row[name] !== null).map((name) => [name, row[name]]));
  return { family, noun, key, status: row.status, columns };
};

/** What the entity names, and what names it, by the columns that hold another family's key. */
const relatedOf = async (database: Transaction, entity: EntityRow): Promise<readonly EntityRef[]> => {
  const others = familyNames.filter((family) => family !== entity.family);
  const own = familySpec(entity.family).keyColumn;
  const queries = others.flatMap((family) => {
    const { table, keyColumn, noun } = familySpec(family);
    const named = entity.columns[keyColumn];
    const conditions = [
      ...(typeof named === 'string' ? [{ column: keyColumn, value: named }] : []),
      ...(Object.hasOwn(rowSpec(family).columns, own) ? [{ column: own, value: entity.key }] : []),
    ];
    return conditions.map(async ({ column, value }): Promise<readonly EntityRef[]> => {
      const rows = await database.query<{ key: string; status: string }>(
        adHoc(
          `SELECT ${keyColumn} AS key, status FROM ${table} WHERE ${column} = $1 ORDER BY created_at, ${keyColumn}
            LIMIT ${RELATED_MAX}`,
        ),
        [value],
      );
      return rows.map((row) => ({ family, noun, ...row }));
    });
  });
  const all = (await Promise.all(queries)).flat();
  return all.filter(
    ({ family, key }, index) => all.findIndex((one) => one.family === family && one.key === key) === index,
  );
};

const OF_KEYS = '(family, entity_key) IN (SELECT * FROM unnest($1::text[], $2::text[]))';
const arrays = (keys: readonly Key[]): readonly (readonly string[])[] => [
  keys.map(({ family }) => family),
  keys.map(({ key }) => key),
];

const AUDITED = `SELECT coalesce(e.received_at, a.at) AS at,
  CASE a.action WHEN 'event' THEN 'event' ELSE 'operator' END AS kind, a.entity_key AS entity,
          CASE a.action WHEN 'event' THEN a.event_type ELSE a.action END AS what, a.verdict AS outcome,
            a.from_status AS "from", a.to_status AS "to",
          CASE a.action WHEN 'event' THEN NULL ELSE a.actor END AS who, a.reason, a.razorpay_event_id AS "eventId",
          e.secret_position AS secret, encode(coalesce(e.erased_sha256, sha256(e.payload)), 'hex') AS digest
     FROM audit_logs a LEFT JOIN webhook_events e ON a.action = 'event' AND e.razorpay_event_id = a.razorpay_event_id
       AND e.entity_key = a.entity_key`;

const EVENTS = statement(
  'story_events',
  `${AUDITED}
    WHERE a.entity_key = ANY($2::text[]) AND a.family = ANY($1::text[])
    ORDER BY a.id DESC LIMIT ${ENTRIES_MAX}`,
);
const eventsOfKeys = async (database: Transaction, keys: readonly Key[]): Promise<readonly StoryEntry[]> =>
  database.query<StoryEntry>(EVENTS, arrays(keys));

const UNAPPLIED = `SELECT received_at AS at, 'event' AS kind, coalesce(entity_key, '') AS entity, family,
  event_type AS what, verdict AS outcome,
          NULL AS "from", NULL AS "to", NULL AS who, reason, razorpay_event_id AS "eventId",
          secret_position AS secret, encode(sha256(payload), 'hex') AS digest FROM webhook_events WHERE NOT processed`;

const WAITING = statement(
  'story_waiting',
  `${UNAPPLIED} AND ${OF_KEYS} ORDER BY received_at DESC LIMIT ${ENTRIES_MAX}`,
);
const waitingOfKeys = async (
  database: Transaction,
  keys: readonly Key[],
): Promise<readonly (StoryEntry & { readonly family: Family })[]> =>
  keys.length === 0 ? [] : database.query<StoryEntry & { readonly family: Family }>(WAITING, arrays(keys));

const LONE = statement(
  'story_lone_event',
  `${UNAPPLIED} AND razorpay_event_id = $1 ORDER BY received_at LIMIT ${ENTRIES_MAX}`,
);
const loneEvent = (database: Transaction, id: string): Promise<readonly StoryEntry[]> =>
  database.query<StoryEntry>(LONE, [id]);

/** Each further delivery that is told of, and one line for all that are only counted. */
const REDELIVERED = `SELECT again.at, 'event' AS kind, coalesce(e.entity_key, '') AS entity, e.event_type AS what,
  'redelivered' AS outcome,
          NULL AS "from", NULL AS "to", NULL AS who, again.reason, e.razorpay_event_id AS "eventId", again.secret,
            encode(r.body_sha256, 'hex') AS digest
     FROM webhook_events e JOIN redeliveries r ON r.razorpay_event_id = e.razorpay_event_id
       AND r.created_at = e.created_at
    CROSS JOIN LATERAL (
      SELECT d.at, 'under the event id ' || d."as" AS reason, d.secret
        FROM jsonb_to_recordset(r.deliveries) AS d (at timestamptz, secret smallint, "as" text)
       UNION ALL
      SELECT r.last_received_at, 'the newest of ' || r.times - jsonb_array_length(r.deliveries) || ' more', NULL
        WHERE r.times > jsonb_array_length(r.deliveries)
    ) AS again`;
const REDELIVERED_KEYS = statement(
  'story_redelivered',
  `${REDELIVERED} WHERE e.entity_key = ANY($2::text[]) AND e.family = ANY($1::text[]) ORDER BY again.at DESC ` +
    `LIMIT ${ENTRIES_MAX}`,
);
const REDELIVERED_EVENT = statement(
  'story_redelivered_event',
  `${REDELIVERED} WHERE e.razorpay_event_id = $1 ORDER BY again.at DESC LIMIT ${ENTRIES_MAX}`,
);
const redeliveriesOf = async (
  database: Transaction,
  keys: readonly Key[],
  id: string,
): Promise<readonly StoryEntry[]> =>
  keys.length === 0
    ? database.query<StoryEntry>(REDELIVERED_EVENT, [id])
    : database.query<StoryEntry>(REDELIVERED_KEYS, arrays(keys));

const TOLD = statement(
  'story_told',
  `SELECT coalesce(delivered_at, updated_at) AS at, 'told' AS kind, entity_key AS entity,
          kind || coalesce(' reminder ' || (reminder->>'hours') || ' h before', '') AS what, status AS outcome,
            NULL AS "from", NULL AS "to",
          destination AS who, coalesce(response, reason) AS reason, NULL AS "eventId"
     FROM notifications WHERE ${OF_KEYS} ORDER BY updated_at DESC LIMIT ${ENTRIES_MAX}`,
);
const toldOfKeys = async (database: Transaction, keys: readonly Key[]): Promise<readonly StoryEntry[]> =>
  keys.length === 0 ? [] : database.query<StoryEntry>(TOLD, arrays(keys));
