import { createHash, randomBytes } from 'node:crypto';
import pg from 'pg';
import { migrate, readMigrations, schemaDescription } from '#platform/postgres';

/** Serialises making templates and cloning them: Postgres refuses to clone a database that someone is connected to. */
const CLONE_LOCK = 0x64616b6962;

const withAdmin = async <Answer>(url: string, work: (client: pg.Client) => Promise<Answer>): Promise<Answer> => {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [CLONE_LOCK]);
    return await work(client);
  } finally {
    await client.end();
  }
};

const urlOf = (url: string, database: string): string => {
  const target = new URL(url);
  target.pathname = `/${database}`;
  return target.href;
};

const exists = async (client: pg.Client, database: string): Promise<boolean> =>
  (await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database])).rowCount === 1;

/** One migrated template per set of migrations, made by whoever comes first and left for the next run. */
const templateOf = async (client: pg.Client, url: string): Promise<string> => {
  const migrations = await readMigrations();
  const name = `dakia_template_${createHash('sha256')
    .update(JSON.stringify([migrations, schemaDescription()]))
    .digest('hex')
    .slice(0, 16)}`;
  if (await exists(client, name)) return name;
  const making = `${name}_${randomBytes(4).toString('hex')}`;
  await client.query(`CREATE DATABASE ${making}`);
  await migrate(urlOf(url, making), () => undefined, migrations);
  await client.query(`ALTER DATABASE ${making} RENAME TO ${name}`);
  return name;
};

export interface TestDatabase {
  readonly url: string;
  /** Drops it, also when somebody is still connected. */
  readonly drop: () => Promise<void>;
}

/**
 * A migrated database that nobody else uses, cloned from the template
 * in about 100 ms. Its name says that it may be dropped.
 */
export const createTestDatabase = async (serverUrl = process.env['DATABASE_URL'] ?? ''): Promise<TestDatabase> => {
  const database = `dakia_test_${randomBytes(6).toString('hex')}`;
  await withAdmin(serverUrl, async (client) => {
    const template = await templateOf(client, serverUrl);
    await client.query(`CREATE DATABASE ${database} TEMPLATE ${template}`);
  });
  return {
    url: urlOf(serverUrl, database),
    drop: () =>
      withAdmin(
        serverUrl,
        async (client) => void (await client.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`)),
      ),
  };
};

/**
 * Runs statements on the test's server as its administrator, outside
 * any database of a test: to copy, drop or rename one.
 */
export const onTestServer = async (...statements: readonly string[]): Promise<void> => {
  const client = new pg.Client({ connectionString: process.env['DATABASE_URL'] ?? '' });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
};
