import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { adHoc, createDatabase, roleOf } from '#platform/postgres';
import type { Database } from '#platform/postgres';
import { allServices } from '../services/services.ts';
import { createTestDatabase } from '../test/kit/databases.ts';
import type { TestDatabase } from '../test/kit/databases.ts';
import { loginsFor, makeLogins } from './postgres.ts';
import { ownOf } from './start-servers.ts';

let database: TestDatabase;
let root: string;
let logins: Awaited<ReturnType<typeof makeLogins>>;
const opened: Database[] = [];
const open = (url: string, role?: string): Database => {
  const one = createDatabase({ url, poolSize: 1, applicationName: 'dakia-test', ...(role !== undefined && { role }) });
  opened.push(one);
  return one;
};

beforeAll(async () => {
  database = await createTestDatabase();
  root = mkdtempSync(join(tmpdir(), 'dakia-logins-'));
  logins = await makeLogins(database.url, { root, data: root, logs: root, pids: root });
});
afterAll(async () => {
  await Promise.all(opened.map(async (one) => one.close()));
  await database.drop();
  rmSync(root, { recursive: true });
});

test('a service works in its role; giving the role back gains nothing', async () => {
  const service = open(logins.dakia_services, roleOf('payments'));
  expect(
    await service.query(
      adHoc(
        'SELECT current_user AS me, rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = session_user',
      ),
    ),
  ).toEqual([{ me: 'dakia_payments', rolsuper: false, rolcreaterole: false, rolcreatedb: false }]);
  expect(await service.query(adHoc('SELECT payment_id FROM payment_transactions'))).toEqual([]);
  await expect(service.query(adHoc('SELECT * FROM payment_disputes'))).rejects.toThrow('permission denied');

  const bare = open(logins.dakia_services);
  await bare.query(adHoc('SET ROLE NONE'));
  for (const sql of [
    'SELECT * FROM payment_transactions',
    'SELECT * FROM webhook_events',
    'CREATE TABLE mine (n int)',
    'DELETE FROM audit_logs',
  ])
    await expect(bare.query(adHoc(sql))).rejects.toThrow('permission denied');
  await expect(bare.query(adHoc('SET ROLE dakia_operator'))).rejects.toThrow('permission denied');
});

test('every service that npm start runs can take its role', async () => {
  for (const { name } of allServices.filter(({ name: service }) => service !== 'ingest')) {
    const role = roleOf(name as Parameters<typeof roleOf>[0]);
    expect(await open(logins.dakia_services, role).query(adHoc('SELECT current_user AS me'))).toEqual([{ me: role }]);
  }
});

test('who reads logs in as a reader, by a password that its owner alone can read', async () => {
  const analyst = open(logins.dakia_analyst);
  expect(await analyst.query(adHoc('SELECT email FROM masked.payment_transactions'))).toEqual([]);
  await expect(analyst.query(adHoc('SELECT email FROM public.payment_transactions'))).rejects.toThrow(
    'permission denied',
  );
  for (const user of ['dakia_services', 'dakia_analyst'])
    expect(statSync(join(root, `${user}.password`)).mode & 0o777).toBe(0o600);
});

test('making them again keeps their passwords', async () => {
  expect(await makeLogins(database.url, { root, data: root, logs: root, pids: root })).toEqual(logins);
});

test('so it is in containers too, and not in a database that somebody else runs', async () => {
  const folder = { root, data: root, logs: root, pids: root };
  const addresses = { DATABASE_URL: database.url };
  expect(await loginsFor({ addresses, own: ownOf({}), folder })).toEqual(logins);
  expect(await loginsFor({ addresses, own: ownOf(addresses), folder })).toBeUndefined();
});
