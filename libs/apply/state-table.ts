import { familySpec } from '#catalogue';
import type { Family } from '#catalogue';
import type { Aggregate } from '#families';
import { LostRace, quotedName, statement } from '#platform/postgres';
import type { Transaction } from '#platform/postgres';
import { fromMergeRecord, isStamped, toMergeRecord } from '#rules';
import type { EntityState, Field, FieldType, FieldValue, MergeRecord } from '#rules';
import type { Locking } from './ledger.ts';
import type { SearchKey } from './search-digests.ts';

/** The state table of one family: the SQL of every family, written once. */
export interface StateTable {
  /** Reads and locks the rows of `keys`, in key order, so that transactions never wait for each other in a circle. */
  readonly load: (tx: Transaction, keys: readonly string[], locking: Locking) => Promise<LoadedRows>;
  /** Writes whole rows. `known` are the keys that `load` found in this transaction. */
  readonly save: (
    tx: Transaction,
    states: ReadonlyMap<string, EntityState>,
    known: { has: (key: string) => boolean },
  ) => Promise<void>;
}

export interface LoadedRows {
  readonly states: ReadonlyMap<string, EntityState>;
  /** Keys whose row is there, but held by another transaction; none when this one waits for them. */
  readonly busy: readonly string[];
}

/**
 * How a value travels to Postgres: the element type of its array, and
 * the expression that makes the column's value of it.
 */
const transport: Readonly<Record<FieldType, { readonly element: string; readonly into: (name: string) => string }>> = {
  text: { element: 'text', into: (name) => name },
  bigint: { element: 'bigint', into: (name) => name },
  boolean: { element: 'boolean', into: (name) => name },
  timestamptz: { element: 'float8', into: (name) => `to_timestamp(${name} / 1000)` },
  jsonb: { element: 'text', into: (name) => `${name}::jsonb` },
};

type Row = Readonly<Record<string, FieldValue>> & { readonly status: string; readonly merge_record: MergeRecord };

/** Times are read as epoch milliseconds, like the rules hold them. */
const selected = (name: string, { type }: Field): string =>
  type === 'timestamptz'
    ? `round(date_part('epoch', ${quotedName(name)}) * 1000) AS ${quotedName(name)}`
    : quotedName(name);

export const createStateTable = (aggregate: Aggregate): StateTable => {
  const { table, keyColumn } = familySpec(aggregate.family);
  const fields = Object.entries(aggregate.fields);
  const stamped = new Set(fields.filter(([, field]) => isStamped(field)).map(([name]) => name));
  const key = quotedName(keyColumn);
  const held = `SELECT ${[key, 'status', ...fields.map(([name, field]) => selected(name, field)), 'merge_record'].join(', ')}
       FROM ${quotedName(table)} WHERE ${key} = ANY($1::text[]) ORDER BY ${key} FOR UPDATE`;
  const load = {
    wait: statement(`load_${aggregate.family}`, held),
    // What is there and was not locked is held by another; what is not there is new.
    skip: statement(
      `load_free_${aggregate.family}`,
      `WITH held AS MATERIALIZED (${held} SKIP LOCKED)
       SELECT there.${key} AS row_key, held.${key} IS NULL AS is_busy, held.*
         FROM ${quotedName(table)} AS there LEFT JOIN held ON held.${key} = there.${key}
           WHERE there.${key} = ANY($1::text[])`,
    ),
  };
  const save = statement(`save_${aggregate.family}`, saveText(table, keyColumn, fields));

  return {
    load: async (tx, keys, locking) => {
      const rows = await tx.query<Row & { readonly row_key?: string; readonly is_busy?: boolean }>(load[locking], [
        keys,
      ]);
      const free = rows.filter(({ is_busy }) => is_busy !== true);
      return {
        states: new Map(free.map((row) => [row[keyColumn] as string, stateOf(row, fields, stamped)])),
        busy: rows.flatMap(({ is_busy, row_key = '' }) => (is_busy === true ? [row_key] : [])),
      };
    },
    save: async (tx, states, known) => {
      if (states.size === 0) return;
      const rows = [...states].sort(([a], [b]) => (a < b ? -1 : 1));
      const columns = [
        rows.map(([key]) => key),
        rows.map(([, { status }]) => status),
        ...fields.map(([name, { type }]) => rows.map(([, { values }]) => wire(values[name] ?? null, type))),
        rows.map(([, state]) => JSON.stringify(toMergeRecord(state))),
      ];
      const [result] = await tx.query<{ fresh: number }>(save, columns);
      const expected = rows.filter(([key]) => !known.has(key)).length;
      if (result?.fresh !== expected)
        throw new LostRace(`${table}: ${expected} rows were new, but ${result?.fresh} were inserted`);
    },
  };
};

const wire = (value: FieldValue, type: FieldType): unknown =>
  value !== null && type === 'jsonb' ? JSON.stringify(value) : value;

const saveText = (table: string, keyColumn: string, fields: readonly (readonly [string, Field])[]): string => {
  const columns = [
    { name: keyColumn, ...transport.text },
    { name: 'status', ...transport.text },
    ...fields.map(([name, { type }]) => ({ name, ...transport[type] })),
    { name: 'merge_record', ...transport.jsonb },
  ];
  const names = columns.map(({ name }) => quotedName(name));
  const updates = names.slice(1).map((name) => `${name} = EXCLUDED.${name}`);
  // xmax is 0 in a row that was inserted, and the locking transaction's id in one that was updated.
  return `WITH saved AS (
    INSERT INTO ${quotedName(table)} (${names.join(', ')})
    SELECT ${columns.map(({ name, into }) => into(quotedName(name))).join(', ')}
      FROM unnest(${columns.map(({ element }, index) => `$${index + 1}::${element}[]`).join(', ')}) AS given
        (${names.join(', ')})
    ON CONFLICT (${quotedName(keyColumn)}) DO UPDATE SET ${updates.join(', ')}, updated_at = now()
    RETURNING xmax = 0 AS inserted)
  SELECT count(*) FILTER (WHERE inserted) AS fresh FROM saved`;
};

const stateOf = (
  row: Row,
  fields: readonly (readonly [string, Field])[],
  stamped: ReadonlySet<string>,
): EntityState => {
  const columns = Object.fromEntries(fields.map(([name]) => [name, row[name] ?? null]));
  return fromMergeRecord(row.status, row.merge_record, columns, stamped);
};

/** What a service applies: the rule and the table of each of its families. */
export interface Families {
  readonly aggregates: ReadonlyMap<Family, Aggregate>;
  readonly tables: ReadonlyMap<Family, StateTable>;
  /** Without it, entities are not found by what is personal. */
  readonly searchKey?: SearchKey | undefined;
}

export const familiesOf = (aggregates: readonly Aggregate[], searchKey?: SearchKey): Families => ({
  searchKey,
  aggregates: new Map(aggregates.map((aggregate) => [aggregate.family, aggregate])),
  tables: new Map(aggregates.map((aggregate) => [aggregate.family, createStateTable(aggregate)])),
});
