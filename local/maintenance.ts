import { maintain, retentionSettings } from '#operate';
import { postgresSettings, readConfig } from '#platform/config';
import type { Environment } from '#platform/config';
import { createDatabase, MAINTENANCE_TIMEOUT_MS } from '#platform/postgres';
import { createPeriodic, now } from '#platform/time';
import type { Periodic } from '#platform/time';
import { createLogger } from '#platform/log';
import type { Report } from './progress.ts';

const EVERY_MS = 86_400_000;

/** What a CronJob does in a cluster: `dakia maintain`, at the start and once a day, for as long as `npm start` runs. */
export const createMaintenance = (environment: Environment, report: Report): Periodic => {
  const read = readConfig({ databaseUrl: postgresSettings.databaseUrl, ...retentionSettings }, environment);
  if (!read.ok) throw new Error(read.issues.join('; '));
  const { databaseUrl, ...keep } = read.value;
  return createPeriodic({
    name: 'maintenance',
    everyMs: EVERY_MS,
    log: createLogger('maintenance', 'warn', {
      write: (line) => report('maintenance', (JSON.parse(line) as { msg: string }).msg),
    }),
    work: async () => {
      const database = createDatabase({
        url: databaseUrl,
        poolSize: 1,
        applicationName: 'dakia-maintenance',
        statementTimeoutMs: MAINTENANCE_TIMEOUT_MS,
      });
      try {
        await maintain(database, now(), keep);
      } finally {
        await database.close();
      }
    },
  });
};
