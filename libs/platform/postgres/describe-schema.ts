import { createHash } from 'node:crypto';
import pg from 'pg';
import { familyNames, familySpec } from '#catalogue';
import { rowSpec } from '#families';
import { bookkeepingWords, sharedTables } from './table-words.ts';
import type { TableWords } from './table-words.ts';

/** Where readers look who may not see what is personal. */
const MASKED = 'masked';

/** Every table that has words, with them. */
export const allTableWords = (): Readonly<Record<string, TableWords>> => ({
  ...sharedTables,
  ...Object.fromEntries(
    familyNames.map((family): [string, TableWords] => {
      const { table, keyColumn } = familySpec(family);
      const fields = Object.entries(rowSpec(family).columns).map(([name, { words }]) => [name, words] as const);
      const columns = { [keyColumn]: "Razorpay's id.", ...bookkeepingWords, ...Object.fromEntries(fields) };
      return [table, { table: `State of ${family.replaceAll('_', ' ')}, one row each.`, columns }];
    }),
  ),
});

/**
 * Says in the database what the code knows of it: a COMMENT on each table and
 * column, and the views of the schema `masked`, in which personal columns are
 * shortened. Changes what differs only, so that a second run waits for no reader.
 */
export const describeSchema = async (client: pg.ClientBase): Promise<void> => {
  await comment(client);
  await buildMasked(client);
};

const DESCRIBED = `
  SELECT t.relname AS table, a.attname AS column, coalesce(d.description, '') AS words
    FROM pg_class t
    JOIN pg_attribute a ON a.attrelid = t.oid AND (a.attnum > 0 AND NOT a.attisdropped)
    LEFT JOIN pg_description d ON d.objoid = t.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = a.attnum
   WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind IN ('r', 'p') AND NOT t.relispartition
   UNION ALL
  SELECT t.relname, NULL, coalesce(obj_description(t.oid, 'pg_class'), '') FROM pg_class t
   WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind IN ('r', 'p') AND NOT t.relispartition
   ORDER BY 1, 2`;

interface Described {
  readonly table: string;
  /** Null for the table itself. */
  readonly column: string | null;
  readonly words: string;
}

/** Tables and columns that nothing is said of in the database. */
export const undescribed = async (client: pg.ClientBase): Promise<readonly string[]> =>
  (await client.query<Described>(DESCRIBED)).rows
    .filter(({ words }) => words === '')
    .map(({ table, column }) => (column === null ? table : `${table}.${column}`));

const comment = async (client: pg.ClientBase): Promise<void> => {
  const wanted = allTableWords();
  for (const { table, column, words } of (await client.query<Described>(DESCRIBED)).rows) {
    const said = wanted[table];
    const text = column === null ? said?.table : said?.columns[column];
    if (text === undefined || text === words) continue;
    const name = pg.escapeIdentifier(table);
    const what = column === null ? `TABLE ${name}` : `COLUMN ${name}.${pg.escapeIdentifier(column)}`;
    await client.query(`COMMENT ON ${what} IS ${pg.escapeLiteral(text)}`);
  }
};

/** Of what has no family: nothing that is a body or a free reason. */
const EVENT_COLUMNS =
  'razorpay_event_id, created_at, event_type, family, entity_key, processed, verdict, account_id, endpoint, ' +
  'received_at, processed_at, secret_position';

const maskedTables = (): readonly (readonly [name: string, query: string])[] => [
  ...familyNames.map((family) => {
    const { table, keyColumn } = familySpec(family);
    const columns = Object.entries(rowSpec(family).columns).map(([name, { type, personal }]) => {
      if (!personal) return name;
      return type === 'text' ? `${MASKED}.shortened(${name}) AS ${name}` : `NULL::${type} AS ${name}`;
    });
    return [
      table,
      `SELECT ${[keyColumn, 'status', ...columns, 'first_seen_at', 'updated_at'].join(', ')} FROM ${table}`,
    ] as const;
  }),
  ['webhook_events', `SELECT ${EVENT_COLUMNS} FROM webhook_events`],
  ['redeliveries', 'SELECT * FROM redeliveries'],
];

/** All that describeSchema makes of the code; a copy of a described database holds while this is the same. */
export const schemaDescription = (): string => JSON.stringify([allTableWords(), maskedTables()]);

/** Postgres' code for a column that does not exist. */
const NO_COLUMN = '42703';

/**
 * A view that needs a column which masked tables do not have has no
 * masked like: readers go without it, and the upgrade goes on.
 */
const createIfMaskable = async (client: pg.ClientBase, name: string, query: string): Promise<void> => {
  await client.query('SAVEPOINT before_view');
  try {
    await client.query(`CREATE VIEW ${MASKED}.${name} AS ${query}`);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === NO_COLUMN)) throw error;
    await client.query('ROLLBACK TO SAVEPOINT before_view');
  }
};

const buildMasked = async (client: pg.ClientBase): Promise<void> => {
  const tables = maskedTables();
  const definitions = await client.query<{ name: string; query: string }>(
    `SELECT relname AS name, pg_get_viewdef(oid) AS query FROM pg_class
      WHERE relnamespace = current_schema()::regnamespace AND relkind = 'v' ORDER BY oid`,
  );
  // What is about events and their reasons is for operators.
  const shared = new RegExp(`\\b(${Object.keys(sharedTables).join('|')})\\b`);
  const views = definitions.rows
    .filter(({ query }) => !shared.test(query))
    .map(({ name, query }) => [name, query] as const);
  // A new table may bring no view: who reads what is personal is to see it all the same.
  const { rows: relations } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class
      WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1`,
  );
  const checksum = createHash('sha256')
    .update(JSON.stringify([tables, views, relations]))
    .digest('hex');
  const { rows } = await client.query<{ known: string | null }>(
    "SELECT obj_description(to_regnamespace($1), 'pg_namespace') AS known",
    [MASKED],
  );
  const words = `What dakia_reader sees: personal columns are shortened. Built by dakia migrate (${checksum}).`;
  if (rows[0]?.known === words) return;
  await client.query('BEGIN');
  try {
    const names = [...tables, ...views].map(([name]) => `${MASKED}.${name}`);
    await client.query(`DROP VIEW IF EXISTS ${names.join(', ')} CASCADE`);
    for (const [name, query] of tables) await client.query(`CREATE VIEW ${MASKED}.${name} AS ${query}`);
    // Their tables are found in the schema of the masked ones first.
    await client.query(`SET LOCAL search_path = ${MASKED}, public`);
    for (const [name, query] of views) await createIfMaskable(client, name, query);
    await client.query('SET LOCAL search_path TO DEFAULT');
    await client.query(`GRANT SELECT ON ALL TABLES IN SCHEMA ${MASKED} TO dakia_reader, dakia_reader_personal`);
    await client.query(`GRANT SELECT ON ALL TABLES IN SCHEMA public TO dakia_reader_personal`);
    await client.query(`COMMENT ON SCHEMA ${MASKED} IS ${pg.escapeLiteral(words)}`);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
};
