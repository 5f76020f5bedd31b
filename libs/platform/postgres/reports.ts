import type pg from 'pg';
import { beforeScrape, gaugeOf } from '#platform/metrics';
import type { Registry } from '#platform/metrics';
import { oncePer } from '#rules';
import type { Transaction } from './database.ts';
import { migrationNames } from './migration-files.ts';
import { statement } from './statement.ts';

/** Shows how much of a pool is in use. `name`: who uses it. */
export const reportPool = (registry: Registry, name: string, pool: pg.Pool, size: number): void => {
  const inUse = gaugeOf(registry, 'dakia_postgres_pool_in_use');
  const waiting = gaugeOf(registry, 'dakia_postgres_pool_waiting');
  gaugeOf(registry, 'dakia_postgres_pool_max').set({ pool: name }, size);
  beforeScrape(registry, ['dakia_postgres_pool_in_use', 'dakia_postgres_pool_waiting'], () => {
    inUse.set({ pool: name }, pool.totalCount - pool.idleCount);
    waiting.set({ pool: name }, pool.waitingCount);
  });
};

const APPLIED = statement('migrations_applied', 'SELECT count(*) AS applied FROM schema_migrations');

const migrationsShown = oncePer((_registry: Registry) => ({ by: undefined as Transaction | undefined }));

/**
 * Shows how many migrations there are here and in the database. Services of one process share it: the first is asked.
 */
export const reportMigrations = (registry: Registry, database: Transaction): void => {
  const shown = migrationsShown(registry);
  if (shown.by !== undefined) return;
  shown.by = database;
  const expected = gaugeOf(registry, 'dakia_migrations_expected');
  const applied = gaugeOf(registry, 'dakia_migrations_applied');
  let known: Promise<number> | undefined;
  beforeScrape(registry, ['dakia_migrations_expected', 'dakia_migrations_applied'], async () => {
    known ??= migrationNames().then(({ length }) => length);
    expected.set({}, await known);
    // While Postgres is away the last answer stays: whoever needs it says so.
    const [row] = await database.query<{ applied: number }>(APPLIED).catch(() => []);
    if (row !== undefined) applied.set({}, row.applied);
  });
};
