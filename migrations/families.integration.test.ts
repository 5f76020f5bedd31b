import pg from 'pg';
import { createTestDatabase } from '#kit';
import type { TestDatabase } from '#kit';
import { migrate } from '#platform/postgres';
import { schemaProblems, wantedOfFamilies } from '../libs/platform/postgres/schema-check.ts';

let database: TestDatabase;
let client: pg.Client;

beforeEach(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterEach(async () => {
  await client.end();
  await database.drop();
});

test('a migrated database has what each family and each service needs, and nothing that no family knows', async () => {
  expect(await schemaProblems(client)).toEqual({ missing: [], extra: [] });
});

test.each([
  [
    'REVOKE ALL ON invoice_events FROM dakia_invoices',
    'invoice_events: role dakia_invoices has no SELECT, INSERT, UPDATE; a migration grants it: GRANT SELECT, ' +
      'INSERT, UPDATE ON invoice_events TO dakia_invoices;',
  ],
  [
    'REVOKE UPDATE ON account_events FROM dakia_operator',
    'account_events: role dakia_operator has no UPDATE; a migration grants it: GRANT UPDATE ON ' +
      'account_events TO dakia_operator;',
  ],
  [
    'REVOKE SELECT ON payment_orders FROM dakia_notifier',
    'payment_orders: role dakia_notifier has no SELECT; a migration grants it: GRANT SELECT ON ' +
      'payment_orders TO dakia_notifier;',
  ],
  [
    'REVOKE UPDATE (verdict, reason) ON webhook_events FROM dakia_links',
    'webhook_events: role dakia_links has no UPDATE (verdict, reason); a migration grants it: GRANT UPDATE ' +
      '(verdict, reason) ON webhook_events TO dakia_links;',
  ],
  [
    'REVOKE USAGE ON SCHEMA public FROM PUBLIC, dakia_links',
    'dakia_links: may not use the schema; a migration grants it: GRANT USAGE ON SCHEMA public TO dakia_links;',
  ],
  [
    'REVOKE EXECUTE ON FUNCTION dakia_outbox_id() FROM dakia_kept',
    'dakia_outbox_id(): role dakia_kept has no EXECUTE; a migration grants it: GRANT EXECUTE ON FUNCTION ' +
      'dakia_outbox_id() TO dakia_kept;',
  ],
  [
    // Readers have a masked view of every column.
    'ALTER TABLE payment_refunds DROP COLUMN batch_id CASCADE',
    'payment_refunds.batch_id: no such column; a migration adds it: ALTER TABLE payment_refunds ADD ' +
      'COLUMN batch_id text;',
  ],
  [
    // As after a new table: the masked views are built anew, and would only say that a column does not exist.
    'ALTER TABLE payment_refunds DROP COLUMN batch_id CASCADE; COMMENT ON SCHEMA masked IS NULL',
    'payment_refunds.batch_id: no such column; a migration adds it: ALTER TABLE payment_refunds ADD ' +
      'COLUMN batch_id text;',
  ],
  [
    'ALTER TABLE payment_refunds DROP COLUMN first_seen_at CASCADE',
    'payment_refunds.first_seen_at: no such column; a migration adds it: ALTER TABLE payment_refunds ADD ' +
      'COLUMN first_seen_at timestamptz NOT NULL DEFAULT now();',
  ],
  [
    `ALTER TABLE payment_refunds DROP COLUMN batch_id CASCADE; ALTER TABLE payment_refunds ADD COLUMN batch_id
      varchar(12)`,
    'payment_refunds.batch_id: is character varying in the database and text in family refunds',
  ],
  [
    `ALTER TABLE payment_refunds DROP CONSTRAINT payment_refunds_status_check, ADD CHECK (status IN ('pending',
      'failed'))`,
    "payment_refunds.status: its CHECK refuses 'processed' of family refunds; a migration replaces it: CHECK " +
      "(status IN ('pending', 'processed', 'failed'))",
  ],
])('after %s a migration says what is missing', async (statement, sentence) => {
  await client.query(statement);
  expect((await schemaProblems(client)).missing).toEqual([sentence]);
  await expect(migrate(database.url, () => undefined)).rejects.toThrow(sentence);
});

test.each([
  ['ADD COLUMN mine text', 'payment_refunds.mine: no field of family refunds fills it (libs/domain/families)'],
  [
    "DROP CONSTRAINT payment_refunds_status_check, ADD CHECK (status IN ('pending', 'failed', 'processed', 'odd'))",
    "payment_refunds.status: its CHECK takes 'odd', which family refunds does not know",
  ],
  [
    'DROP CONSTRAINT payment_refunds_status_check',
    "payment_refunds.status: it has no CHECK (status IN ('pending', 'processed', 'failed'))",
  ],
  ['ALTER COLUMN first_seen_at DROP DEFAULT', 'payment_refunds.first_seen_at: it must be NOT NULL DEFAULT now()'],
  ['ALTER COLUMN merge_record DROP NOT NULL', 'payment_refunds.merge_record: it must be NOT NULL'],
])('what no family knows does not stop a migration, but this test: %s', async (change, sentence) => {
  await client.query(`ALTER TABLE payment_refunds ${change}`);
  expect(await schemaProblems(client)).toEqual({ missing: [], extra: [sentence] });
  expect(await migrate(database.url, () => undefined)).toEqual([]);
});

test('a family without a table and a service without a role are named', async () => {
  const wanted = wantedOfFamilies();
  const { missing } = await schemaProblems(client, {
    tables: [
      ...wanted.tables,
      { family: 'things', table: 'things', statuses: ['new'], columns: { thing_id: 'text', status: 'text' } },
    ],
    grants: [...wanted.grants, { role: 'dakia_nobody', table: 'outbox', privileges: ['INSERT'] }],
  });
  expect(missing).toEqual([
    "things: family things has no table; a migration creates it with the statuses 'new' and the columns " +
      'thing_id text, status text',
    "dakia_nobody: there is no such role; a migration makes it: SELECT dakia_make_role('dakia_nobody'); GRANT " +
      'USAGE ON SCHEMA public TO dakia_nobody;',
    'outbox: role dakia_nobody has no INSERT; a migration grants it: GRANT INSERT ON outbox TO dakia_nobody;',
  ]);
});
