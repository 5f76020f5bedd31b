import { familySpec } from '#catalogue';
import { allAggregates } from '#families';
import { createTestDatabase } from '#kit';
import type { TestDatabase } from '#kit';
import { adHoc, createDatabase } from '#platform/postgres';
import type { Database } from '#platform/postgres';

let ours: TestDatabase;
let database: Database;

beforeAll(async () => {
  ours = await createTestDatabase();
  database = createDatabase({ url: ours.url, poolSize: 1, applicationName: 'unknown-statuses-test' });
});
afterAll(async () => {
  await database.close();
  await ours.drop();
});

/** Of kept events no word is known, and none unknown. */
const aggregates = allAggregates.filter(({ family }) => family !== 'kept');

test('what the newest snapshot shows and no list has is listed, for every family; what is known is not', async () => {
  for (const { family, statuses } of aggregates) {
    const { table, keyColumn } = familySpec(family);
    const wordColumn = family === 'accounts' ? 'activation_status' : 'provider_status';
    for (const word of [...statuses, statuses[0]?.toUpperCase(), 'brand_new', null])
      await database.query(
        adHoc(`INSERT INTO ${table} (${keyColumn}, status, ${wordColumn}, merge_record) VALUES ($1, $2, $3, '{}')`),
        [`${family} ${word}`, statuses[0], word],
      );
  }
  const rows = await database.query<{ family: string; entity_key: string; provider_status: string }>(
    adHoc('SELECT family, entity_key, provider_status FROM unknown_statuses ORDER BY family'),
  );
  expect(rows).toEqual(
    aggregates
      .map(({ family }) => ({ family, entity_key: `${family} brand_new`, provider_status: 'brand_new' }))
      .toSorted((a, b) => (a.family < b.family ? -1 : 1)),
  );
});
