import { familyNames, familySpec } from '#catalogue';
import type { Family } from '#catalogue';
import { rowSpec } from '#families';
import { quotedName, statement } from '#platform/postgres';
import type { Transaction } from '#platform/postgres';

/** A value of Razorpay's that no list of Dakia has; it is kept as it came. */
export interface UnknownValue {
  readonly family: Family;
  readonly column: string;
  readonly value: string;
  /** How many entities show it now. */
  readonly entities: number;
  /** The one of them whose last event is the newest. */
  readonly newest: string;
  /** The own time of that event; null where none has one. */
  readonly at: Date | null;
}

const LITERAL = /^[a-z_]+$/;
const literal = (value: string): string => {
  if (!LITERAL.test(value)) throw new Error(`${JSON.stringify(value)} is no word of a list`);
  return `'${value}'`;
};

const counted = (family: string, column: string, value: string, key: string, from: string): string =>
  `(SELECT ${family} AS family, ${column} AS "column", ${value} AS value, count(*) AS entities,
           (array_agg(${key} ORDER BY last_event_at DESC NULLS LAST, ${key}))[1] AS newest, max(last_event_at) AS at
      FROM ${from} GROUP BY 1, 2, 3)`;

/** The columns whose values Razorpay documents as a list. The names of kept events are Dakia's own. */
const listed = familyNames
  .filter((family) => family !== 'kept')
  .flatMap((family) =>
    Object.entries(rowSpec(family).columns).flatMap(([name, { values }]) => {
      if (values === undefined) return [];
      const { table, keyColumn } = familySpec(family);
      const column = quotedName(name);
      const known = values.map(literal).join(', ');
      const from = `${table} WHERE ${column} IS NOT NULL AND ${column} NOT IN (${known})`;
      return [counted(`'${family}'`, `'${name}'`, column, keyColumn, from)];
    }),
  );

/** Of accounts the word is that of their activation. */
const STATUS = "CASE family WHEN 'accounts' THEN 'activation_status' ELSE 'provider_status' END";

const LIST = statement(
  'list_unknown_values',
  `SELECT * FROM (${[counted('family', STATUS, 'provider_status', 'entity_key', 'unknown_statuses'), ...listed].join(
    ' UNION ALL ',
  )}) AS found ORDER BY at DESC NULLS LAST, family, "column", value LIMIT $1`,
);

/** What is shown now and not known, what came last first. Reads whole tables: for a person, now and then. */
export const listUnknownValues = async (database: Transaction, limit: number): Promise<readonly UnknownValue[]> =>
  database.query<UnknownValue>(LIST, [limit]);
