import { eventually } from '#kit';
import { createLogger } from '#platform/log';
import { instant } from '#rules';
import { openTestStore } from '../../../test/kit/test-store.ts';
import type { TestStore } from '../../../test/kit/test-store.ts';
import { migrationNames } from './migration-files.ts';
import { createSchemaWait } from './schema-wait.ts';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore('payments', []);
});
afterAll(async () => store.close());

test.each([
  [1, ''],
  [2, ' and 1 more migration'],
  [3, ' and 2 more migrations'],
])('a process waits for the last %i migrations of its release, and needs none of a later one', async (count, more) => {
  const newest = (await migrationNames()).slice(-count);
  const gone = await store.rows<{ number: number; name: string; checksum: string }>(
    'DELETE FROM schema_migrations WHERE name = ANY($1) RETURNING number, name, checksum',
    [newest],
  );
  expect(gone).toHaveLength(count);
  await store.rows(
    "INSERT INTO schema_migrations (number, name, checksum) VALUES (9999, '9999_later.sql', '') ON CONFLICT DO NOTHING",
  );
  const { component, unready } = createSchemaWait(store.database, createLogger('test', 'silent'));
  expect(unready()).toBe('schema: nothing is known of it yet');
  await component.start();
  await eventually('it says what is missing', () => unready()?.includes('lacks') === true);
  expect(unready()).toBe(`schema: the database lacks ${newest[0]}${more} of this release; run npx dakia migrate`);
  for (const { number, name, checksum } of gone)
    await store.rows('INSERT INTO schema_migrations (number, name, checksum) VALUES ($1, $2, $3)', [
      number,
      name,
      checksum,
    ]);
  await eventually('nothing is missing', () => unready() === undefined);
  await component.stop(instant(Date.now() + 5_000));
});
