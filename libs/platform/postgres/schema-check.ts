import type pg from 'pg';
import { familiesOf, familyNames, familySpec, serviceNames } from '#catalogue';
import type { Family, ServiceName } from '#catalogue';
import { rowSpec } from '#families';
import { OPERATOR_ROLE, roleOf } from './roles.ts';

/** What the code needs of one state table. */
export interface WantedTable {
  readonly family: string;
  readonly table: string;
  readonly statuses: readonly string[];
  /** Column → type, the key and the bookkeeping columns included. */
  readonly columns: Readonly<Record<string, string>>;
}

/** What a role must be allowed to do with a table; `columns` where an UPDATE is for these only. */
export interface WantedGrant {
  readonly role: string;
  readonly table: string;
  readonly privileges: readonly string[];
  readonly columns?: readonly string[];
}

export interface Wanted {
  readonly tables: readonly WantedTable[];
  readonly grants: readonly WantedGrant[];
}

/** Sentences, each with the table, the role or column, and what to do. Both are empty when database and code agree. */
export interface SchemaProblems {
  /** Without these a service stops or parks what it gets. */
  readonly missing: readonly string[];
  /** What the database has and the code does not know: harmless to services, a mistake in the repository. */
  readonly extra: readonly string[];
}

/** Columns that every state table has beside its fields. */
const BOOKKEEPING = { status: 'text', merge_record: 'jsonb', first_seen_at: 'timestamptz', updated_at: 'timestamptz' };
/** The rest of their definition: the times are filled by nothing but their default. */
const BOOKKEEPING_FILLED: Readonly<Record<string, string>> = {
  status: 'NOT NULL',
  merge_record: 'NOT NULL',
  first_seen_at: 'NOT NULL DEFAULT now()',
  updated_at: 'NOT NULL DEFAULT now()',
};

const wantedTable = (family: Family): WantedTable => {
  const { table, keyColumn } = familySpec(family);
  const { statuses, columns } = rowSpec(family);
  const fields = Object.entries(columns).map(([name, { type }]) => [name, type] as const);
  return { family, table, statuses, columns: { [keyColumn]: 'text', ...BOOKKEEPING, ...Object.fromEntries(fields) } };
};

const READ_WRITE = ['SELECT', 'INSERT', 'UPDATE'] as const;

/** The tables that every domain service shares, and what applying and retrying does with each. */
const sharedGrants = (role: string): readonly WantedGrant[] => {
  const verdict = ['processed', 'verdict', 'reason', 'processed_at', 'family', 'entity_key', 'event_type'];
  return [
    { role, table: 'partition_ledger', privileges: READ_WRITE },
    { role, table: 'webhook_events', privileges: ['SELECT', 'INSERT'] },
    { role, table: 'webhook_events', privileges: ['UPDATE'], columns: verdict },
    ...['event_conflicts', 'audit_logs', 'outbox'].map((table) => ({ role, table, privileges: ['SELECT', 'INSERT'] })),
    { role, table: 'search_digests', privileges: ['INSERT'] },
    { role, table: 'redeliveries', privileges: READ_WRITE },
    { role, table: 'parked_keys', privileges: [...READ_WRITE, 'DELETE'] },
    { role, table: 'dead_letters', privileges: READ_WRITE },
    { role, table: 'schema_migrations', privileges: ['SELECT'] },
  ];
};

const ownGrants = (service: ServiceName): readonly WantedGrant[] =>
  familiesOf(service).flatMap((family) => {
    const { table } = familySpec(family);
    return [
      { role: roleOf(service), table, privileges: READ_WRITE },
      { role: OPERATOR_ROLE, table, privileges: READ_WRITE },
      { role: roleOf('notifier'), table, privileges: ['SELECT'] },
    ];
  });

/** What the families of the catalogue and their services need. */
export const wantedOfFamilies = (): Wanted => ({
  tables: familyNames.map(wantedTable),
  grants: serviceNames.flatMap((service) => [...ownGrants(service), ...sharedGrants(roleOf(service))]),
});

/**
 * Compares a migrated database with what the code needs of it: tables,
 * columns, the CHECK of the status, privileges. Changes nothing.
 */
export const schemaProblems = async (client: pg.ClientBase, wanted = wantedOfFamilies()): Promise<SchemaProblems> => {
  const names = wanted.tables.map(({ table }) => table);
  const columns = Map.groupBy((await client.query<ActualColumn>(COLUMNS, [names])).rows, ({ table }) => table);
  const checks = Map.groupBy((await client.query<ActualCheck>(STATUS_CHECKS, [names])).rows, ({ table }) => table);
  const tables = wanted.tables.map((table) => {
    const actual = columns.get(table.table);
    if (actual === undefined) return { missing: [noTable(table)], extra: [] };
    return merged([compareColumns(table, actual), compareStatuses(table, checks.get(table.table) ?? [])]);
  });
  return merged([...tables, { missing: await missingGrants(client, wanted.grants), extra: [] }]);
};

const merged = (all: readonly SchemaProblems[]): SchemaProblems => ({
  missing: all.flatMap(({ missing }) => missing),
  extra: all.flatMap(({ extra }) => extra),
});

interface ActualColumn {
  readonly table: string;
  readonly name: string;
  readonly type: string;
  /** `NOT NULL DEFAULT now()`, or less. */
  readonly filled: string;
}
const COLUMNS = `
  SELECT t.relname AS table, a.attname AS name,
         concat_ws(' ', CASE WHEN a.attnotnull THEN 'NOT NULL' END,
           'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid)) AS filled,
         CASE format_type(a.atttypid, NULL) WHEN 'timestamp with time zone' THEN 'timestamptz' ELSE
           format_type(a.atttypid, NULL) END AS type
    FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
   WHERE t.relname = ANY($1) AND t.relnamespace = current_schema()::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
   ORDER BY t.relname, a.attnum`;

interface ActualCheck {
  readonly table: string;
  readonly text: string;
}
/** The CHECKs that look at the column `status` alone. */
const STATUS_CHECKS = `
  SELECT t.relname AS table, pg_get_constraintdef(c.oid) AS text
    FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = 'status' AND c.conkey = ARRAY[a.attnum]
   WHERE c.contype = 'c' AND t.relname = ANY($1) AND t.relnamespace = current_schema()::regnamespace`;

const noTable = ({ family, table, columns, statuses }: WantedTable): string => {
  const lines = Object.entries(columns).map(([name, type]) => `${name} ${type}`);
  return (
    `${table}: family ${family} has no table; a migration creates it with the statuses ${list(statuses)} and ` +
    `the columns ${lines.join(', ')}`
  );
};

const list = (texts: readonly string[]): string => texts.map((text) => `'${text}'`).join(', ');

const compareColumns = ({ family, table, columns }: WantedTable, actual: readonly ActualColumn[]): SchemaProblems => {
  const types = new Map(actual.map(({ name, type }) => [name, type]));
  const missing = Object.entries(columns).flatMap(([name, type]) => {
    const found = types.get(name);
    if (found === undefined) {
      const definition = [name, type, ...(BOOKKEEPING_FILLED[name] === undefined ? [] : [BOOKKEEPING_FILLED[name]])];
      return [
        `${table}.${name}: no such column; a migration adds it: ` +
          `ALTER TABLE ${table} ADD COLUMN ${definition.join(' ')};`,
      ];
    }
    return found === type ? [] : [`${table}.${name}: is ${found} in the database and ${type} in family ${family}`];
  });
  const unfilled = actual.flatMap(({ name, filled }) => {
    const wanted = BOOKKEEPING_FILLED[name];
    return wanted === undefined || wanted === filled ? [] : [`${table}.${name}: it must be ${wanted}`];
  });
  const unknown = actual
    .filter(({ name }) => !Object.hasOwn(columns, name))
    .map(({ name }) => `${table}.${name}: no field of family ${family} fills it (libs/domain/families)`);
  const extra = [...unfilled, ...unknown];
  return { missing, extra };
};

const compareStatuses = ({ family, table, statuses }: WantedTable, checks: readonly ActualCheck[]): SchemaProblems => {
  const allowed = checks.map(({ text }) => [...text.matchAll(/'([^']*)'/g)].map(([, status]) => status ?? ''));
  const refused = statuses.filter((status) => allowed.some((one) => !one.includes(status)));
  const unknown = [...new Set(allowed.flat())].filter((status) => !statuses.includes(status));
  return {
    missing:
      refused.length === 0
        ? []
        : [
            `${table}.status: its CHECK refuses ${list(refused)} of family ${family}; a migration replaces it: ` +
              `CHECK (status IN (${list(statuses)}))`,
          ],
    extra: [
      ...unknown.map((status) => `${table}.status: its CHECK takes '${status}', which family ${family} does not know`),
      ...(checks.length === 0 ? [`${table}.status: it has no CHECK (status IN (${list(statuses)}))`] : []),
    ],
  };
};

interface MissingPrivilege {
  readonly role: string;
  readonly table: string;
  readonly privilege: string;
  readonly name: string | null;
  readonly known: boolean;
}
const MISSING_PRIVILEGES = `
  SELECT wanted.*, r.oid IS NOT NULL AS known
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS wanted (role, "table", privilege, name)
    LEFT JOIN pg_roles r ON r.rolname = wanted.role
   WHERE NOT coalesce(CASE WHEN wanted.name IS NULL THEN has_table_privilege(r.oid, to_regclass(quote_ident("table")),
     privilege)
                           ELSE has_column_privilege(r.oid, to_regclass(quote_ident("table")), wanted.name,
                             privilege) END, false)`;

const WITHOUT_SCHEMA = `
  SELECT rolname AS role FROM pg_roles
   WHERE rolname = ANY($1) AND NOT has_schema_privilege(oid, current_schema(), 'USAGE') ORDER BY 1`;

/** Whoever writes facts draws their numbers with it (0191). */
const OUTBOX_NUMBER = 'dakia_outbox_id()';
const WITHOUT_NUMBERS = `
  SELECT rolname AS role FROM pg_roles
   WHERE rolname = ANY($1) AND NOT coalesce(has_function_privilege(oid, to_regprocedure('${OUTBOX_NUMBER}'), 'EXECUTE'),
     true) ORDER BY 1`;

/** One sentence per role and table, with the statement that mends it. */
const missingGrants = async (client: pg.ClientBase, grants: readonly WantedGrant[]): Promise<readonly string[]> => {
  const wanted = grants.flatMap(({ role, table, privileges, columns = [null] }) =>
    privileges.flatMap((privilege) => columns.map((name) => ({ role, table, privilege, name }))),
  );
  const { rows } = await client.query<MissingPrivilege>(MISSING_PRIVILEGES, [
    wanted.map(({ role }) => role),
    wanted.map(({ table }) => table),
    wanted.map(({ privilege }) => privilege),
    wanted.map(({ name }) => name),
  ]);
  const unknown = new Set(rows.filter(({ known }) => !known).map(({ role }) => role));
  const roles = [...unknown].map(
    (role) =>
      `${role}: there is no such role; a migration makes it: SELECT dakia_make_role('${role}'); GRANT USAGE ON ` +
      `SCHEMA public TO ${role};`,
  );
  const shut = (await client.query<{ role: string }>(WITHOUT_SCHEMA, [[...new Set(grants.map(({ role }) => role))]]))
    .rows;
  const schemas = shut.map(
    ({ role }) => `${role}: may not use the schema; a migration grants it: GRANT USAGE ON SCHEMA public TO ${role};`,
  );
  const writers = grants.filter(({ table, privileges }) => table === 'outbox' && privileges.includes('INSERT'));
  const numberless = await client.query<{ role: string }>(WITHOUT_NUMBERS, [
    [...new Set(writers.map(({ role }) => role))],
  ]);
  const numbers = numberless.rows.map(
    ({ role }) =>
      `${OUTBOX_NUMBER}: role ${role} has no EXECUTE; a migration grants it: GRANT EXECUTE ON FUNCTION ` +
      `${OUTBOX_NUMBER} TO ${role};`,
  );
  const places = Map.groupBy(rows, ({ role, table }) => `${table} ${role}`);
  return [...roles, ...schemas, ...numbers, ...[...places.values()].map(sentenceOf)];
};

const sentenceOf = (rows: readonly MissingPrivilege[]): string => {
  const [first] = rows as readonly [MissingPrivilege, ...MissingPrivilege[]];
  const whole = rows.filter(({ name }) => name === null).map(({ privilege }) => privilege);
  const columns = rows.flatMap(({ name }) => (name === null ? [] : [name]));
  const what = [...whole, ...(columns.length === 0 ? [] : [`UPDATE (${columns.join(', ')})`])].join(', ');
  return (
    `${first.table}: role ${first.role} has no ${what}; a migration grants it: GRANT ${what} ON ` +
    `${first.table} TO ${first.role};`
  );
};
