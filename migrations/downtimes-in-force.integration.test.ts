import { createTestDatabase } from '#kit';
import type { TestDatabase } from '#kit';
import { adHoc, createDatabase } from '#platform/postgres';
import type { Database } from '#platform/postgres';

let ours: TestDatabase;
let database: Database;

beforeAll(async () => {
  ours = await createTestDatabase();
  database = createDatabase({ url: ours.url, poolSize: 1, applicationName: 'downtimes-in-force-test' });
});
afterAll(async () => {
  await database.close();
  await ours.drop();
});

/** Begin and end in hours from now; null as Razorpay has it for an end that nobody knows. */
const downtime = async (
  id: string,
  status: string,
  severity: string | null,
  begin: number | null,
  end: number | null,
): Promise<void> => {
  await database.query(
    adHoc(`INSERT INTO downtime_events (downtime_id, status, severity, begin_at, end_at, merge_record)
           VALUES ($1, $2, $3, now() + $4 * interval '1 hour', now() + $5 * interval '1 hour', '{}')`),
    [id, status, severity, begin, end],
  );
};

test('downtimes in force: begun, not resolved, not past their end; hide on high, warn on the rest, the worst first', async () => {
  await downtime('down_low', 'updated', 'low', -3, 2);
  await downtime('down_unknown', 'started', null, null, null);
  await downtime('down_medium', 'started', 'medium', -1, null);
  await downtime('down_high', 'started', 'high', -2, null);
  await downtime('down_announced_and_begun', 'scheduled', 'high', -1, 1);
  await downtime('down_resolved', 'resolved', 'high', -2, null);
  await downtime('down_called_off', 'cancelled', 'high', -2, null);
  await downtime('down_past_its_end', 'started', 'high', -2, -1);
  await downtime('down_announced', 'updated', 'high', 5, 6);
  await downtime('down_scheduled_some_day', 'scheduled', 'high', null, null);
  const rows = await database.query<{ downtime_id: string; advice: string }>(
    adHoc('SELECT downtime_id, advice FROM downtimes_in_force'),
  );
  expect(rows.map(({ downtime_id, advice }) => `${downtime_id} ${advice}`)).toEqual([
    'down_high hide',
    'down_announced_and_begun hide',
    'down_medium warn',
    'down_low warn',
    'down_unknown warn',
  ]);
});

test('a status that the rules do not know cannot be written', async () => {
  await expect(downtime('down_odd', 'paused', 'high', null, null)).rejects.toThrow('downtime_events_status_check');
});
