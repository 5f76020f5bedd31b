import type { Logger } from '#platform/log';
import { createPeriodic } from '#platform/time';
import type { Periodic } from '#platform/time';
import type { Transaction } from './database.ts';
import { migrationNames } from './migration-files.ts';
import { statement } from './statement.ts';

/** While the schema is not there it is looked for sooner, by the waits of `createPeriodic`; later not at all. */
const LOOK_EVERY_MS = 60_000;

const APPLIED = statement('migration_names', 'SELECT name FROM schema_migrations');

export interface SchemaWait {
  readonly component: Periodic;
  /** Why the process cannot work with its database yet: a readiness check. */
  readonly unready: () => string | undefined;
}

/**
 * Waits until the database has every migration of this release: before that a statement could name a column that is
 * not there. One that has more is of a later release, and serves this one as well (docs/operating.md "Upgrading").
 */
export const createSchemaWait = (database: Transaction, log: Logger): SchemaWait => {
  let missing: string | undefined = 'schema: nothing is known of it yet';
  const look = async (): Promise<void> => {
    if (missing === undefined) return;
    const [wanted, rows] = await Promise.all([migrationNames(), database.query<{ readonly name: string }>(APPLIED)]);
    const there = new Set(rows.map(({ name }) => name));
    const [first, ...others] = wanted.filter((name) => !there.has(name));
    missing = first === undefined ? undefined : lacking(first, others.length);
    if (missing !== undefined) throw new Error(missing);
  };
  return {
    component: createPeriodic({ name: 'schema', everyMs: LOOK_EVERY_MS, work: look, log }),
    unready: () => missing,
  };
};

const lacking = (first: string, others: number): string => {
  const more = others === 0 ? '' : ` and ${others} more ${others === 1 ? 'migration' : 'migrations'}`;
  return `schema: the database lacks ${first}${more} of this release; run npx dakia migrate`;
};
