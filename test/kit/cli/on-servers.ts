import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase } from '../databases.ts';
import type { TestDatabase } from '../databases.ts';
import { openTestKafka } from '../kafka.ts';
import { testServers } from '../servers.ts';
import { openDakia } from './run-dakia.ts';
import type { Dakia } from './run-dakia.ts';

/** The commands on a deployment of a test's own that is empty: topics, tables, and no event. */
export interface DakiaOnServers {
  readonly dakia: Dakia;
  readonly database: TestDatabase;
  /** For `--data-dir`, and for files that commands write. */
  readonly folder: string;
  readonly close: () => Promise<void>;
}

/** What ends an example soon, and on the test's one broker, which has fewer copies than a deployment. */
export const SHAPE_HERE: Readonly<Record<string, readonly string[]>> = {
  'topics apply': ['--shape', 'embedded'],
  'topics verify': ['--shape', 'embedded'],
};

export const openDakiaOnServers = async (): Promise<DakiaOnServers> => {
  const folder = mkdtempSync(join(tmpdir(), 'dakia-commands-'));
  const [kafka, database] = await Promise.all([openTestKafka(), createTestDatabase()]);
  const dakia = openDakia({
    ...testServers(),
    DATABASE_URL: database.url,
    DAKIA_TOPIC_PREFIX: kafka.prefix,
    DAKIA_QUEUE_PREFIX: kafka.prefix.slice(0, -1),
    DAKIA_WEBHOOK_PORT: '1',
    RAZORPAY_WEBHOOK_SECRETS: 'a secret of twenty-four',
  });
  // It has started: that is not part of the first test's time.
  await dakia.run('--help');
  return {
    dakia,
    database,
    folder,
    close: async () => {
      await dakia.close();
      await kafka.close();
      await database.drop();
      rmSync(folder, { recursive: true });
    },
  };
};
