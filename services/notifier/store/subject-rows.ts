import { familySpec } from '#catalogue';
import type { Family } from '#catalogue';
import { rowSpec } from '#families';
import { statement } from '#platform/postgres';
import type { Statement, Transaction } from '#platform/postgres';
import type { FieldType, FieldValue } from '#rules';

/** Which entity. */
export interface EntityRef {
  readonly family: Family;
  readonly key: string;
}

/** What rules and words may see of an entity's row: times are epoch milliseconds, JSON is a value. */
export interface StateRow {
  readonly status: string;
  readonly columns: Readonly<Record<string, FieldValue>>;
}

export interface StateRows {
  readonly of: (entity: EntityRef) => StateRow | undefined;
}

const nameOf = ({ family, key }: EntityRef): string => `${family}:${key}`;

/** The names come from the fields of the lifecycles, which are compared with the tables of a migrated database. */
const selected = (name: string, type: FieldType): string =>
  type === 'timestamptz' ? `round(date_part('epoch', ${name}) * 1000) AS ${name}` : name;

type Found = Readonly<Record<string, FieldValue>> & { readonly entity_key: string; readonly entity_status: string };

const statements = new Map<Family, Statement>();

const statementOf = (family: Family): Statement => {
  const existing = statements.get(family);
  if (existing !== undefined) return existing;
  const { table, keyColumn } = familySpec(family);
  const columns = Object.entries(rowSpec(family).columns).map(([name, { type }]) => selected(name, type));
  const made = statement(
    `subject_${family}`,
    `SELECT ${[`${keyColumn} AS entity_key`, 'status AS entity_status', ...columns].join(', ')} FROM ${table}
      WHERE ${keyColumn} = ANY($1::text[])`,
  );
  statements.set(family, made);
  return made;
};

/**
 * Reads the rows of many entities as they stand now, with one statement
 * per family. An entity that has no row is not in the answer.
 */
export const loadStateRows = async (database: Transaction, entities: readonly EntityRef[]): Promise<StateRows> => {
  const keys = Map.groupBy(entities, ({ family }) => family);
  const rows = new Map<string, StateRow>();
  const load = async (family: Family, wanted: readonly EntityRef[]): Promise<void> => {
    const found = await database.query<Found>(statementOf(family), [[...new Set(wanted.map(({ key }) => key))]]);
    for (const { entity_key: key, entity_status: status, ...columns } of found)
      rows.set(nameOf({ family, key }), { status, columns });
  };
  await Promise.all([...keys].map(([family, wanted]) => load(family, wanted)));
  return { of: (entity) => rows.get(nameOf(entity)) };
};
