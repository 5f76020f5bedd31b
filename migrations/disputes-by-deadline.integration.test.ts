import { createTestDatabase } from '#kit';
import type { TestDatabase } from '#kit';
import { adHoc, createDatabase } from '#platform/postgres';
import type { Database } from '#platform/postgres';

let ours: TestDatabase;
let database: Database;

beforeAll(async () => {
  ours = await createTestDatabase();
  database = createDatabase({ url: ours.url, poolSize: 1, applicationName: 'disputes-by-deadline-test' });
});
afterAll(async () => {
  await database.close();
  await ours.drop();
});

/** The deadline in days from now; null where Razorpay named none. */
const dispute = async (id: string, status: string, deadline: number | null): Promise<void> => {
  await database.query(
    adHoc(
      `INSERT INTO payment_disputes (dispute_id, status, respond_by, merge_record)
        VALUES ($1, $2, now() + $3 * interval '1 day', '{}')`,
    ),
    [id, status, deadline],
  );
};

test('disputes by deadline: only those that wait for the merchant, the nearest first, passed ones before, unknown ones last', async () => {
  await dispute('disp_unknown', 'open', null);
  await dispute('disp_later', 'open', 9);
  await dispute('disp_sooner', 'action_required', 2);
  await dispute('disp_passed', 'open', -1);
  for (const status of ['under_review', 'closed', 'lost', 'won']) await dispute(`disp_${status}`, status, 1);
  const rows = await database.query<{ dispute_id: string; passed: boolean | null }>(
    adHoc(`SELECT dispute_id, time_left < interval '0' AS passed FROM disputes_by_deadline`),
  );
  expect(rows.map(({ dispute_id, passed }) => `${dispute_id} ${passed ?? 'unknown'}`)).toEqual([
    'disp_passed true',
    'disp_sooner false',
    'disp_later false',
    'disp_unknown unknown',
  ]);
});

test('a status that the rules do not know cannot be written', async () => {
  await expect(dispute('disp_odd', 'reopened', 1)).rejects.toThrow('payment_disputes_status_check');
});
