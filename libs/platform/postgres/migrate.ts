import type pg from 'pg';
import { until } from '#platform/time';
import { describeSchema } from './describe-schema.ts';
import { connectClient } from './hosts.ts';
import { readMigrations } from './migration-files.ts';
import type { Migration } from './migration-files.ts';
import { schemaProblems } from './schema-check.ts';

/** Two starts at once: the second waits this long for the first. */
const TURN_WAIT_MS = 120_000;
/** A migration gives up rather than queue in front of all traffic behind one long query. */
const LOCK_TIMEOUT_MS = 10_000;
/** Longest time to reach Postgres. */
const CONNECT_TIMEOUT_MS = 5_000;
/** Any number that nothing else in the database uses: 'dakia' as ASCII. */
const ADVISORY_LOCK = 0x64616b6961;

interface Applied {
  readonly number: number;
  readonly name: string;
  readonly checksum: string;
}

/**
 * Brings the database to the newest version, forward only, one transaction per file, and answers
 * which files were applied. Throws, before anything is changed, when a file that was applied has
 * been edited or is gone; and in the end, when the files of this version leave out something
 * that a service needs (a table, a column, a privilege): it would stop at its first event.
 */
export const migrate = async (
  url: string,
  say: (line: string) => void,
  migrations?: readonly Migration[],
): Promise<readonly string[]> => {
  const wanted = migrations ?? (await readMigrations());
  const client = await connectClient(url, {
    application_name: 'dakia-migrate',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  try {
    await takeTurn(client);
    const pending = pendingOf(wanted, await readApplied(client));
    for (const migration of pending) await applyOne(client, migration, say);
    if (wanted.some(({ name }) => name.includes('readers'))) await describe(client);
    if (migrations === undefined) await checkSchema(client);
    say(
      pending.length === 0
        ? `database is up to date (${wanted.length} migrations)`
        : `applied ${pending.length} migrations`,
    );
    return pending.map(({ name }) => name);
  } finally {
    // Ends the session, and with it the advisory lock.
    await client.end();
  }
};

/** Where a table lacks a column, its view would only say so; the check has the statement that adds it. */
const describe = async (client: pg.Client): Promise<void> => {
  try {
    await describeSchema(client);
  } catch (error) {
    await checkSchema(client);
    throw error;
  }
};

const checkSchema = async (client: pg.Client): Promise<void> => {
  const { missing } = await schemaProblems(client);
  if (missing.length > 0)
    throw new Error(
      ['the migrations are applied, but services cannot work with this database yet:', ...missing].join('\n  '),
    );
};

const takeTurn = async (client: pg.Client): Promise<void> => {
  await client.query(`SET lock_timeout = ${TURN_WAIT_MS}`);
  try {
    await client.query('SELECT pg_advisory_lock($1)', [ADVISORY_LOCK]);
  } catch (error) {
    throw new Error(`another migration has held the lock for ${TURN_WAIT_MS / 1000} s; wait for it or end it`, {
      cause: error,
    });
  }
  await client.query(`SET lock_timeout = ${LOCK_TIMEOUT_MS}`);
};

const readApplied = async (client: pg.Client): Promise<readonly Applied[]> => {
  await client.query(
    `CREATE TABLE IF NOT EXISTS schema_migrations
       (number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
         applied_at timestamptz NOT NULL DEFAULT now())`,
  );
  return (await client.query<Applied>('SELECT number, name, checksum FROM schema_migrations ORDER BY number')).rows;
};

/** Which files are still to be applied. Numbers are by service, so a lower number may come after a higher one. */
export const pendingOf = (wanted: readonly Migration[], applied: readonly Applied[]): readonly Migration[] => {
  const files = new Map(wanted.map((migration) => [migration.number, migration]));
  for (const { number, name, checksum } of applied) {
    const file = files.get(number);
    if (file === undefined)
      throw new Error(
        `migration ${name} was applied to this database, but this version of Dakia has no such file: it is ` +
          'older than the database',
      );
    if (file.checksum !== checksum)
      throw new Error(
        `migration ${file.name} was edited after it was applied (as ${name}); undo the edit and write a new migration`,
      );
  }
  const done = new Set(applied.map(({ number }) => number));
  return wanted.filter(({ number }) => !done.has(number));
};

const applyOne = async (client: pg.Client, migration: Migration, say: (line: string) => void): Promise<void> => {
  const began = performance.now();
  try {
    await client.query('BEGIN');
    await client.query(migration.sql);
    await client.query('INSERT INTO schema_migrations (number, name, checksum) VALUES ($1, $2, $3)', [
      migration.number,
      migration.name,
      migration.checksum,
    ]);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw new Error(`migration ${migration.name} failed: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  say(`${migration.name} ${Math.round(performance.now() - began)} ms`);
};

/** Between two tries to reach Postgres. */
const RETRY_EVERY_MS = 200;
/** What a server says that will not get better by waiting: wrong password, no such user, no such database. */
const HOPELESS = new Set(['28P01', '28000', '3D000']);

/**
 * Waits until Postgres takes connections; throws after `limitMs`, and at once when it refuses the user or the database.
 */
export const waitForPostgres = async (url: string, limitMs: number): Promise<void> => {
  let problem: Problem | undefined;
  const isDecided = async (): Promise<boolean> => {
    problem = await tryOnce(url);
    return problem === undefined || problem.hopeless;
  };
  await until(limitMs, isDecided, RETRY_EVERY_MS);
  if (problem === undefined) return;
  const after = problem.hopeless ? '' : ` after ${Math.round(limitMs / 1000)} s`;
  throw new Error(`Postgres cannot be used${after}: ${problem.message}; check DATABASE_URL`);
};

interface Problem {
  readonly hopeless: boolean;
  readonly message: string;
}

const tryOnce = async (url: string): Promise<Problem | undefined> => {
  try {
    const client = await connectClient(url, { connectionTimeoutMillis: 2_000 });
    await client.end().catch(() => undefined);
    return undefined;
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    return { hopeless: HOPELESS.has(code), message: message === '' ? code : message };
  }
};
