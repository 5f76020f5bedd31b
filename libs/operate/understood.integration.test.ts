import { eventNames } from '#catalogue';
import { allAggregates } from '#families';
import { adHoc } from '#platform/postgres';
import { openTestStore } from '../../test/kit/test-store.ts';
import type { TestStore } from '../../test/kit/test-store.ts';
import { CANDIDATES } from './understood.ts';

let store: TestStore;
beforeAll(async () => void (store = await openTestStore('quarantine', allAggregates)));
afterAll(() => store.close());

test('status looks for what waits among what is not processed, also in a day that was empty when Postgres last looked', async () => {
  await store.rows('ANALYZE webhook_events');
  const plan = await store.database.query<Readonly<Record<string, string>>>(adHoc(`EXPLAIN ${CANDIDATES.text}`), [
    eventNames,
    '-infinity',
    '',
  ]);
  const text = plan.map((line) => Object.values(line).join('')).join('\n');
  // The index of what is not processed begins with the family; the one of names would be read for every event.
  expect(text).toMatch(/Index Scan (using|on) \w*_family_entity_key_/);
  expect(text).not.toMatch(/Index Scan (using|on) \w*(event_type|received)/);
});
