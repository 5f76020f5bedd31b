import { families, familyNames, QUARANTINE_SERVICE, serviceNames } from '#catalogue';
import { aggregatesOf } from '#families';
import { eventually } from '#kit';
import { retryParked } from '#operate';
import { openTestStore, testEvent } from '../../../test/kit/test-store.ts';
import type { TestStore } from '../../../test/kit/test-store.ts';
import { createDatabase } from './database.ts';
import { adHoc } from './statement.ts';
import type { Database } from './database.ts';
import { OPERATOR_ROLE, roleOf } from './roles.ts';

let store: TestStore;
const opened: Database[] = [];
const openAs = (role: string): Database => {
  const database = createDatabase({ url: store.url, poolSize: 2, applicationName: 'dakia-test', role });
  opened.push(database);
  return database;
};

beforeAll(async () => {
  store = await openTestStore('payments', aggregatesOf('payments'), { role: roleOf('payments') });
});
afterAll(async () => {
  await Promise.all(opened.map(async (database) => database.close()));
  await store.close();
});

test('each state table is written by the service that the catalogue names, and by the operator, and by nobody else', async () => {
  const rows = await store.rows<{ table_name: string; grantee: string }>(
    `SELECT table_name, grantee FROM information_schema.role_table_grants
      WHERE privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE') AND grantee LIKE 'dakia%' GROUP BY 1, 2
      ORDER BY 1, 2`,
  );
  const writers = Object.fromEntries(
    familyNames.map((family) => [
      families[family].table,
      rows.filter((row) => row.table_name === families[family].table).map(({ grantee }) => grantee),
    ]),
  );
  expect(writers).toEqual(
    Object.fromEntries(
      familyNames.map((family) => [families[family].table, [OPERATOR_ROLE, roleOf(families[family].service)].sort()]),
    ),
  );
});

test('nobody who applies events may delete or empty a table, but for parked keys', async () => {
  const rows = await store.rows(
    `SELECT DISTINCT table_name FROM information_schema.role_table_grants WHERE privilege_type IN ('DELETE', 'TRUNCATE')
      AND grantee LIKE 'dakia%'`,
  );
  expect(rows).toEqual([{ table_name: 'parked_keys' }]);
});

test.each([...serviceNames, QUARANTINE_SERVICE, 'notifier'] as const)(
  '%s connects as its role, which cannot log in',
  async (service) => {
    const database = openAs(roleOf(service));
    expect(await database.query(adHoc('SELECT current_user AS me'))).toEqual([{ me: `dakia_${service}` }]);
    expect(
      await database.query(adHoc('SELECT rolcanlogin, rolsuper FROM pg_roles WHERE rolname = current_user')),
    ).toEqual([{ rolcanlogin: false, rolsuper: false }]);
  },
);

test('payments cannot touch a dispute, nor change what was kept', async () => {
  const payments = openAs(roleOf('payments'));
  const insert = "INSERT INTO payment_disputes (dispute_id, status, merge_record) VALUES ('d', 'open', '{}')";
  await expect(payments.query(adHoc(insert))).rejects.toThrow('permission denied for table payment_disputes');
  await expect(payments.query(adHoc('SELECT * FROM payment_disputes'))).rejects.toThrow('permission denied');
  await expect(payments.query(adHoc("UPDATE webhook_events SET payload = ''"))).rejects.toThrow('permission denied');
  await expect(payments.query(adHoc('DELETE FROM audit_logs'))).rejects.toThrow('permission denied');
  await expect(payments.query(adHoc('UPDATE audit_logs SET actor = 1::text'))).rejects.toThrow('permission denied');
  await expect(payments.query(adHoc('CREATE TABLE mine (n int)'))).rejects.toThrow('permission denied');
});

test('the notifier reads what it tells of, and of the outbox it may say only that a fact is relayed', async () => {
  const notifier = openAs(roleOf('notifier'));
  for (const family of familyNames) await notifier.query(adHoc(`SELECT * FROM ${families[family].table}`));
  await notifier.query(adHoc('SELECT id FROM outbox WHERE relayed_at IS NULL FOR UPDATE SKIP LOCKED'));
  await notifier.query(adHoc('UPDATE outbox SET relayed_at = now() WHERE false'));
  for (const forbidden of [
    "UPDATE outbox SET payload = '{}'",
    'DELETE FROM outbox',
    'DELETE FROM notifications',
    "UPDATE payment_disputes SET status = 'won'",
    'SELECT payload FROM webhook_events',
    "INSERT INTO outbox (name, dedupe_key, family, entity_key, payload) VALUES ('a', 'b', 'c', 'd', '{}')",
  ]) {
    await expect(notifier.query(adHoc(forbidden))).rejects.toThrow('permission denied');
  }
});

test('the operator can work on parked keys of any service', async () => {
  const partition = await store.partition('rzp.payments.v1');
  await store.rows('ALTER TABLE payment_transactions ADD CONSTRAINT no_thirteen CHECK (amount_minor <> 13)');
  await partition.send(testEvent('payment.captured', 'ev', 'pay', { status: 'captured', amount: 13 }));
  await store.rows('ALTER TABLE payment_transactions DROP CONSTRAINT no_thirteen');
  const operator = openAs(OPERATOR_ROLE);
  const aggregates = [...aggregatesOf('payments'), ...aggregatesOf('disputes')];
  expect(
    await retryParked(
      { database: operator, aggregates, policy: { delaysMs: [60_000] } },
      { family: 'payments', key: 'pay' },
      { who: 'asha', reason: 'fixed' },
    ),
  ).toEqual({ kind: 'unparked', applied: 1, dead: 0 });
  for (const view of [
    'pending_events',
    'payment_overview',
    'disputes_by_deadline',
    'downtimes_in_force',
    'unknown_statuses',
    'late_authorisations',
    'refunds_stuck',
    'money_to_check',
  ])
    await operator.query(adHoc(`SELECT * FROM ${view}`));
});

test('a role with a strange name is refused before it reaches Postgres', () => {
  expect(() => openAs('x; DROP TABLE')).toThrow('cannot be a role');
});

test('a lost connection is an error for whoever asked, and nothing more', async () => {
  const database = openAs(roleOf('payments'));
  const [row] = await database.query<{ pid: number }>(adHoc('SELECT pg_backend_pid() AS pid'));
  const waiting = database.transaction(async (tx) => {
    await tx.query(adHoc('SELECT 1'));
    await store.rows('SELECT pg_terminate_backend($1)', [row?.pid]);
    await eventually(
      'the session is gone',
      async () => (await store.rows('SELECT 1 FROM pg_stat_activity WHERE pid = $1', [row?.pid])).length === 0,
    );
    await tx.query(adHoc('SELECT 2'));
  });
  await expect(waiting).rejects.toThrow();
  expect(await database.query(adHoc('SELECT 3 AS three'))).toEqual([{ three: 3 }]);
});

test('whole numbers come as numbers while they are exact', async () => {
  expect(await store.rows('SELECT 9007199254740991::bigint AS exact, 9007199254740993::bigint AS large')).toEqual([
    { exact: Number.MAX_SAFE_INTEGER, large: 9007199254740993n },
  ]);
});
