import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { familySpec } from '#catalogue';
import type { Aggregate } from '#families';

const FOLDER = join(import.meta.dirname, '..', '..', 'migrations');
/** Columns that every state table has beside its fields. */
const BOOKKEEPING = { status: 'text', merge_record: 'jsonb', first_seen_at: 'timestamptz', updated_at: 'timestamptz' };

/** Columns and types of a family's state table, as the migrations create it and add to it. */
const columnsOf = (sql: string, table: string): Readonly<Record<string, string>> => {
  const created = new RegExp(`CREATE TABLE ${table} \\(\\n(.*?)\\n\\);`, 's').exec(sql)?.[1] ?? '';
  const added = [...sql.matchAll(new RegExp(`ALTER TABLE ${table}\\s+ADD COLUMN (\\w+)\\s+(\\w+)`, 'g'))].map(
    ([, name, type]) => [name, type],
  );
  const own = created.split('\n').map((line) =>
    line
      .trim()
      .split(/\s+/)
      .slice(0, 2)
      .map((word) => word.replace(',', '')),
  );
  return Object.fromEntries([...own, ...added]) as Record<string, string>;
};

/** Registers tests that a family's fields and statuses are exactly the columns and the CHECK of its table. */
export const fitsItsTable = ({ family, fields, statuses }: Aggregate): void => {
  const { table, keyColumn } = familySpec(family);
  const sql = readdirSync(FOLDER)
    .filter((file) => file.endsWith('.sql'))
    .toSorted()
    .map((file) => readFileSync(join(FOLDER, file), 'utf8'))
    .join('\n');

  test(`${table} has a column of the right type for every field, and no other`, () => {
    const wanted = {
      [keyColumn]: 'text',
      ...BOOKKEEPING,
      ...Object.fromEntries(Object.entries(fields).map(([name, { type }]) => [name, type])),
    };
    expect(columnsOf(sql, table)).toEqual(wanted);
  });

  test(`${table} takes the statuses that the rules know, and no other`, () => {
    const check = new RegExp(`CREATE TABLE ${table} \\(.*?CHECK \\(status IN \\(([^)]*)\\)`, 's').exec(sql)?.[1] ?? '';
    expect([...check.matchAll(/'(\w+)'/g)].map(([, status]) => status)).toEqual([...statuses]);
  });
};
