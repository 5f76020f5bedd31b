import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { testServers } from '#kit';
import { migrate, waitForPostgres } from './migrate.ts';
import { migrationOf, readMigrations } from './migration-files.ts';

const silent = (): void => undefined;
let serverUrl: string;
let url: string;
let database: string;

const query = async (text: string, at = url): Promise<readonly Record<string, unknown>[]> => {
  const client = new pg.Client({ connectionString: at });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
};

beforeEach(async () => {
  serverUrl = testServers().DATABASE_URL;
  database = `dakia_test_${randomBytes(6).toString('hex')}`;
  await query(`CREATE DATABASE ${database}`, serverUrl);
  const target = new URL(serverUrl);
  target.pathname = `/${database}`;
  url = target.href;
});
afterEach(async () => {
  await query(`DROP DATABASE ${database} WITH (FORCE)`, serverUrl);
});

const [first, second] = [
  migrationOf('0001_first.sql', 'CREATE TABLE first (n int)'),
  migrationOf('0005_second.sql', 'CREATE TABLE second (n int)'),
];

test('two starts at once apply everything once, and a later one has nothing to do', async () => {
  const [a, b] = await Promise.all([migrate(url, silent), migrate(url, silent)]);
  const all = (await readMigrations()).map(({ name }) => name);
  expect([a, b].map(({ length }) => length).toSorted((x, y) => x - y)).toEqual([0, all.length]);
  expect([...a, ...b]).toEqual(all);
  const said: string[] = [];
  expect(await migrate(url, (line) => void said.push(line))).toEqual([]);
  expect(said).toEqual([`database is up to date (${all.length} migrations)`]);
});

test('a number between applied ones is applied as well: numbers are by service', async () => {
  await migrate(url, silent, [first, second]);
  expect(
    await migrate(url, silent, [first, migrationOf('0003_between.sql', 'CREATE TABLE between_them (n int)'), second]),
  ).toEqual(['0003_between.sql']);
});

test('a file that was edited after it was applied is an error that names it, and nothing is changed', async () => {
  await migrate(url, silent, [first]);
  const edited = migrationOf('0001_first.sql', 'CREATE TABLE first (n bigint)');
  await expect(migrate(url, silent, [edited, second])).rejects.toThrow(
    'migration 0001_first.sql was edited after it was applied',
  );
  expect(await query("SELECT 1 FROM pg_class WHERE relname = 'second'")).toEqual([]);
});

test('a database that is newer than this version is left alone', async () => {
  await migrate(url, silent, [first, second]);
  await expect(migrate(url, silent, [first])).rejects.toThrow(
    'migration 0005_second.sql was applied to this database, but this version of Dakia has no such file',
  );
});

test('a file that fails leaves nothing behind and is named; what was before it stays', async () => {
  const broken = migrationOf('0005_broken.sql', 'CREATE TABLE half (n int); SELECT no_such_function();');
  await expect(migrate(url, silent, [first, broken])).rejects.toThrow(
    /migration 0005_broken.sql failed: .*no_such_function/,
  );
  expect(await query("SELECT relname FROM pg_class WHERE relname IN ('first', 'half')")).toEqual([
    { relname: 'first' },
  ]);
  expect(await query('SELECT name FROM schema_migrations')).toEqual([{ name: '0001_first.sql' }]);
});

test('waiting for Postgres ends at once when waiting cannot help, and in time when nobody listens', async () => {
  await expect(waitForPostgres(url, 1_000)).resolves.toBeUndefined();
  await expect(waitForPostgres(url.replace(database, 'no_such_database'), 60_000)).rejects.toThrow(
    /database "no_such_database" does not exist; check DATABASE_URL/,
  );
  await expect(waitForPostgres('postgres://nobody@127.0.0.1:1/none', 300)).rejects.toThrow(
    /Postgres cannot be used after 0 s: .*ECONNREFUSED/,
  );
});
