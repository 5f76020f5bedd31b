import { contactColumns, operatorActor } from '#apply';
import type { OperatorAction } from '#apply';
import { familyNames, familySpec, KEPT_DAYS } from '#catalogue';
import type { Family } from '#catalogue';
import { rowSpec } from '#families';
import { adHoc, quotedName, writeAudit } from '#platform/postgres';
import type { Database, Transaction } from '#platform/postgres';

/** What is to go: an entity, or whoever has this e-mail address, phone number or other personal value. */
export type Erasable =
  | { readonly kind: 'entity'; readonly id: string }
  | { readonly kind: 'contact'; readonly value: string };

export interface EraseRequest extends OperatorAction {
  /** false: only say what would be erased. */
  readonly execute: boolean;
  /** `shown` of the dry run that the operator has seen: nothing is erased where a table has other rows now. */
  readonly shown?: ShownTables;
}

/** Which rows of a table were shown, as their number and a digest of their ids. A table that has none is left out. */
export type ShownTables = Readonly<Record<string, string>>;

export interface Erased {
  /** false: nothing was changed, because it was not asked for, or because the rows are not those that were shown. */
  readonly executed: boolean;
  /** Rows by table. */
  readonly rows: Readonly<Record<string, number>>;
  readonly shown: ShownTables;
  /** Events that still wait for a decision: their bodies are needed, and stay. */
  readonly left: number;
  /**
   * Until when Kafka's topics of events, and those of dead letters and
   * the quarantine, hold copies of the bodies; null when there are none.
   */
  readonly kafka: { readonly eventsUntil: Date; readonly forPeopleUntil: Date } | null;
}

const ERASED = "'erased'";

interface Target {
  readonly table: string;
  /** Text that names a row. */
  readonly id: string;
  /** Which rows, by the value in $1. A row that was erased is not among them. */
  readonly where: string;
  /** null: the row goes. */
  readonly set: string | null;
}

/**
 * Blanks what is personal of an entity or a contact, in one transaction: personal columns of
 * state rows, bodies of events and conflicts, and free texts about them. What is counted, added
 * up or told stays. Bodies are searched as bytes, so the whole of webhook_events is read. Kafka
 * cannot be changed: its copies go when their time is over. Needs the owner of the tables.
 */
export const erase = async (database: Database, what: Erasable, request: EraseRequest): Promise<Erased> =>
  database.transaction(async (tx) => {
    const needle = what.kind === 'entity' ? what.id : what.value;
    const kafka = await kafkaUntil(tx, what, needle);
    const left = await waiting(tx, what, needle);
    const rows: Record<string, number> = {};
    const shown: Record<string, string> = {};
    await tx.query(adHoc('SAVEPOINT before_erasure'));
    const visitAll = async (targets: readonly Target[]): Promise<void> => {
      for (const target of targets) {
        const found = await visit(tx, target, needle, request.execute);
        if (found.rows === 0) continue;
        rows[target.table] = (rows[target.table] ?? 0) + found.rows;
        const before = shown[target.table];
        shown[target.table] =
          `${before === undefined ? '' : `${before}, then `}${found.rows} rows (${found.digest.slice(0, DIGEST_SHOWN)})`;
      }
    };
    const { texts, bodies, states } = targetsOf(what);
    await visitAll([...texts, ...bodies]);
    // Bodies take long to read. What services have applied to these entities meanwhile is whole once their rows are
    // held, and what they apply later waits for the end of this: no event is erased from one table and left in another.
    if (request.execute) {
      await holdStates(tx, what, needle);
      await visitAll(bodies.map((target) => ({ ...target, where: `${target.where} AND (${isAbout(what)})` })));
    }
    await visitAll(states);
    const executed = request.execute && isAsShown(shown, request.shown);
    if (executed) await note(tx, what, rows, request);
    else await tx.query(adHoc('ROLLBACK TO SAVEPOINT before_erasure'));
    return { executed, rows, shown, left, kafka };
  });

/** Rows that are gone were dealt with by somebody else. */
const isAsShown = (now: ShownTables, shown: ShownTables = now): boolean =>
  Object.entries(now).every(([table, rows]) => shown[table] === rows);

/** Hexadecimal digits that tell two sets of rows apart. */
const DIGEST_SHOWN = 16;

/**
 * Blanks the rows, or only looks. What is counted is what the statement itself has changed, whoever else is at work.
 */
const visit = async (
  tx: Transaction,
  { table, id, where, set }: Target,
  needle: string,
  execute: boolean,
): Promise<{ readonly rows: number; readonly digest: string }> => {
  const found = execute
    ? `${set === null ? `DELETE FROM ${table}` : `UPDATE ${table} SET ${set}`} WHERE ${where} RETURNING ${id} AS id`
    : `SELECT ${id} AS id FROM ${table} WHERE ${where}`;
  const sql = `WITH found AS (${found})
    SELECT count(*) AS rows, coalesce(encode(sha256(convert_to(string_agg(id, ' '
      ORDER BY id COLLATE "C"), 'UTF8')), 'hex'), '') AS digest FROM found`;
  const [result] = await tx.query<{ rows: number; digest: string }>(adHoc(sql), [needle]);
  return result ?? { rows: 0, digest: '' };
};

/**
 * What is found through entities goes before that by which the entities are found: texts
 * before the bodies, those before the rows, and digests before the values they are of.
 */
const targetsOf = (what: Erasable) => {
  const about = `${isAbout(what)} OR entity_key IN (SELECT entity_key FROM webhook_events WHERE ${holds('payload')})`;
  const texts: readonly Target[] = [
    {
      table: 'audit_logs',
      id: 'id::text',
      where: `(${about}) AND reason <> ${ERASED} AND action <> 'erase'`,
      set: `reason = ${ERASED}`,
    },
    {
      table: 'notifications',
      id: 'id',
      where: `(${about}) AND (reason <> ${ERASED} OR response <> ${ERASED})`,
      set:
        `reason = CASE WHEN reason IS NOT NULL THEN ${ERASED} END, response = CASE WHEN response IS NOT ` +
        `NULL THEN ${ERASED} END`,
    },
    {
      table: 'dead_letters',
      id: 'razorpay_event_id',
      where: `(${about}) AND resolution IS NOT NULL AND (reason <> ${ERASED} OR resolved_reason <> ${ERASED})`,
      set: `reason = ${ERASED}, resolved_reason = ${ERASED}`,
    },
  ];
  const isMeantBody = `(${isAbout(what)} OR ${holds('payload')})`;
  const bodies: readonly Target[] = [
    {
      table: 'event_conflicts',
      id: "razorpay_event_id || ' ' || encode(body_sha256, 'hex')",
      where: `payload IS NOT NULL AND ${isMeantBody}`,
      set: 'payload = NULL',
    },
    {
      table: 'webhook_events',
      id: 'razorpay_event_id',
      where: `${FINAL} AND payload <> '' AND ${isMeantBody}`,
      set: `erased_sha256 = sha256(payload), payload = '', reason = CASE WHEN reason IS NOT NULL THEN ${ERASED} END`,
    },
  ];
  const states: readonly Target[] = [
    {
      table: 'search_digests',
      id: "family || ' ' || entity_key || ' ' || digest",
      where: `(family, entity_key) IN (${findable(what)})`,
      set: null,
    },
    ...familyNames.flatMap((family) => stateRows(family, what)),
  ];
  return { texts, bodies, states };
};

/** Takes the rows of the entities that are meant, as a service that applies to them does: in the catalogue's order. */
const holdStates = async (tx: Transaction, what: Erasable, needle: string): Promise<void> => {
  for (const family of familyNames) {
    if (what.kind === 'contact' && personalColumns(family).length === 0) continue;
    const { table, keyColumn } = familySpec(family);
    const sql = `SELECT 1 FROM ${table} WHERE ${isMeant(family, what)} ORDER BY ${keyColumn} FOR UPDATE`;
    await tx.query(adHoc(sql), [needle]);
  }
};

/** Processed, or given up for good: nobody needs the body any more. */
const FINAL = 'processed';
/** JSON may write any character of a value in another way; Razorpay writes ids, addresses and numbers as they are. */
const holds = (column: string): string => `position(convert_to($1, 'UTF8') IN ${column}) > 0`;

/**
 * That a row is about an entity that is meant. A body may write an address in other letters than the row that has it,
 * so all bodies of an entity go with its row.
 */
const isAbout = (what: Erasable): string =>
  what.kind === 'entity'
    ? 'entity_key = $1'
    : `(family, entity_key) IN (${meant(
        what,
        familyNames.filter((family) => personalColumns(family).length > 0),
      )})`;

/** The entities that are found by digests, while the values are there that say whose they are. */
const findable = (what: Erasable): string =>
  meant(
    what,
    familyNames.filter((family) => contactColumns(family).length > 0),
  );

const meant = (what: Erasable, families: readonly Family[]): string =>
  families
    .map((family) => {
      const { table, keyColumn } = familySpec(family);
      return `SELECT '${family}', ${keyColumn} FROM ${table} WHERE ${isMeant(family, what)}`;
    })
    .join(' UNION ALL ');

const personalColumns = (family: Family) =>
  Object.entries(rowSpec(family).columns).filter(([, column]) => column.personal);
const isMeant = (family: Family, what: Erasable): string =>
  what.kind === 'entity'
    ? `${familySpec(family).keyColumn} = $1`
    : `(${personalColumns(family)
        .map(([name, { type }]) => hasValue(quotedName(name), type))
        .join(' OR ')})`;

/** What is no text is JSON, in which a value may stand anywhere: notes, evidence, the snapshot of a kept entity. */
const hasValue = (column: string, type: string): string =>
  type === 'text' ? `lower(${column}) = lower($1)` : `position(lower($1) IN lower(${column}::text)) > 0`;

const stateRows = (family: Family, what: Erasable): readonly Target[] => {
  const { table, keyColumn } = familySpec(family);
  const personal = personalColumns(family);
  if (personal.length === 0) return [];
  const names = personal.map(([name]) => quotedName(name));
  const isAny = `(${names.join(', ')}) IS DISTINCT FROM (${names.map(() => 'NULL').join(', ')})`;
  return [
    {
      table,
      id: keyColumn,
      where: `${isMeant(family, what)} AND ${isAny}`,
      set: names.map((name) => `${name} = NULL`).join(', '),
    },
  ];
};

const waiting = async (tx: Transaction, what: Erasable, needle: string): Promise<number> => {
  const sql = `SELECT count(*) AS rows FROM webhook_events WHERE NOT processed AND (${isAbout(what)}
    OR ${holds('payload')})`;
  return (await tx.query<{ rows: number }>(adHoc(sql), [needle]))[0]?.rows ?? 0;
};

const kafkaUntil = async (tx: Transaction, what: Erasable, needle: string): Promise<Erased['kafka']> => {
  const sql = `SELECT max(received_at) + interval '${KEPT_DAYS.events} days' AS "eventsUntil",
            max(received_at) + interval '${KEPT_DAYS.events + KEPT_DAYS.forPeople} days' AS "forPeopleUntil"
       FROM webhook_events WHERE ${isAbout(what)} OR ${holds('payload')}`;
  const [found] = await tx.query<{ eventsUntil: Date | null; forPeopleUntil: Date | null }>(adHoc(sql), [needle]);
  const { eventsUntil = null, forPeopleUntil = null } = found ?? {};
  return eventsUntil === null || forPeopleUntil === null ? null : { eventsUntil, forPeopleUntil };
};

/** The trace names an entity, never a contact: that would keep what was to go. */
const note = async (
  tx: Transaction,
  what: Erasable,
  rows: Readonly<Record<string, number>>,
  { who, reason }: OperatorAction,
): Promise<void> => {
  const counts = Object.entries(rows).map(([table, number]) => `${number} of ${table}`);
  await writeAudit(tx, {
    actor: operatorActor(who),
    action: 'erase',
    ...(what.kind === 'entity' && { key: what.id }),
    reason: `${reason}: ${counts.length === 0 ? 'nothing was found' : counts.join(', ')}`,
  });
};
