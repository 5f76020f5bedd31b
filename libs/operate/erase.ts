import { operatorActor } from '#apply';
import type { OperatorAction } from '#apply';
import { familyNames, familySpec, KEPT_DAYS } from '#catalogue';
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
}

export interface Erased {
  /** Rows by table. */
  readonly rows: Readonly<Record<string, number>>;
  /** Events that still wait for a decision: their bodies are needed, and stay. */
  readonly left: number;
  /** Until when Kafka's topics of events, and those of dead letters and the quarantine, hold copies of the bodies; null when there are none. */
  readonly kafka: { readonly eventsUntil: Date; readonly forPeopleUntil: Date } | null;
}

const ERASED = "'erased'";

/**
 * Blanks what is personal of an entity or a contact, in one transaction: personal columns of state rows, bodies of events and conflicts,
 * and free texts about them. What is counted, added up or told stays. Bodies are searched as bytes, so the whole of webhook_events is
 * read. Kafka cannot be changed: its copies go when their time is over. Needs the owner of the tables.
 */
export const erase = async (database: Database, what: Erasable, request: EraseRequest): Promise<Erased> =>
  database.transaction(async (tx) => {
    const needle = what.kind === 'entity' ? what.id : what.value;
    const rows: Record<string, number> = {};
    const count = async (table: string, where: string, set: string): Promise<void> => {
      const change = `UPDATE ${table} SET ${set} WHERE ${where} RETURNING 1`;
      const look = `SELECT 1 FROM ${table} WHERE ${where}`;
      const sql = request.execute
        ? `WITH changed AS (${change}) SELECT count(*) AS rows FROM changed`
        : `SELECT count(*) AS rows FROM (${look}) AS found`;
      const [result] = await tx.query<{ rows: number }>(adHoc(sql), [needle]);
      if ((result?.rows ?? 0) > 0) rows[table] = result?.rows ?? 0;
    };
    const kafka = await kafkaUntil(tx, needle);
    const left = await waiting(tx, needle);

    // What is found through the entities of the events goes before their bodies, in which they are found.
    const about = `entity_key = $1 OR entity_key IN (SELECT entity_key FROM webhook_events WHERE ${holds('payload')})`;
    await count('audit_logs', `(${about}) AND reason IS NOT NULL AND action <> 'erase'`, `reason = ${ERASED}`);
    await count(
      'notifications',
      `(${about}) AND (reason IS NOT NULL OR response IS NOT NULL)`,
      `reason = CASE WHEN reason IS NOT NULL THEN ${ERASED} END, response = CASE WHEN response IS NOT NULL THEN ${ERASED} END`,
    );
    await count(
      'dead_letters',
      `(${about}) AND resolution IS NOT NULL`,
      `reason = ${ERASED}, resolved_reason = ${ERASED}`,
    );
    await count(
      'event_conflicts',
      `payload IS NOT NULL AND (entity_key = $1 OR ${holds('payload')})`,
      'payload = NULL',
    );
    for (const family of familyNames) await stateRows(family, what, count);
    await count(
      'webhook_events',
      `${FINAL} AND payload <> '' AND (entity_key = $1 OR ${holds('payload')})`,
      `erased_sha256 = sha256(payload), payload = '', reason = CASE WHEN reason IS NOT NULL THEN ${ERASED} END`,
    );
    if (request.execute) await note(tx, what, rows, request);
    return { rows, left, kafka };
  });

/** Processed, or given up for good: nobody needs the body any more. */
const FINAL = 'processed';
/** JSON may write any character of a value in another way; Razorpay writes ids, addresses and numbers as they are. */
const holds = (column: string): string => `position(convert_to($1, 'UTF8') IN ${column}) > 0`;

const stateRows = async (
  family: (typeof familyNames)[number],
  what: Erasable,
  count: (table: string, where: string, set: string) => Promise<void>,
): Promise<void> => {
  const { table, keyColumn } = familySpec(family);
  const personal = Object.entries(rowSpec(family).columns).filter(([, column]) => column.personal);
  if (personal.length === 0) return;
  const names = personal.map(([name]) => quotedName(name));
  const texts = personal.filter(([, { type }]) => type === 'text').map(([name]) => quotedName(name));
  const isAny = `(${names.join(', ')}) IS DISTINCT FROM (${names.map(() => 'NULL').join(', ')})`;
  if (what.kind === 'contact' && texts.length === 0) return;
  const isMeant =
    what.kind === 'entity' ? `${keyColumn} = $1` : `lower($1) IN (${texts.map((name) => `lower(${name})`).join(', ')})`;
  await count(table, `${isMeant} AND ${isAny}`, names.map((name) => `${name} = NULL`).join(', '));
};

const waiting = async (tx: Transaction, needle: string): Promise<number> => {
  const sql = `SELECT count(*) AS rows FROM webhook_events WHERE NOT processed AND (entity_key = $1 OR ${holds('payload')})`;
  return (await tx.query<{ rows: number }>(adHoc(sql), [needle]))[0]?.rows ?? 0;
};

const kafkaUntil = async (tx: Transaction, needle: string): Promise<Erased['kafka']> => {
  const sql = `SELECT max(received_at) + interval '${KEPT_DAYS.events} days' AS "eventsUntil",
            max(received_at) + interval '${KEPT_DAYS.events + KEPT_DAYS.forPeople} days' AS "forPeopleUntil"
       FROM webhook_events WHERE entity_key = $1 OR ${holds('payload')}`;
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
