import { createTestDatabase, eventually } from '#kit';
import { adHoc, createDatabase } from '#platform/postgres';
import { now } from '#platform/time';
import { instant } from '#rules';
import { createMaintenance } from './maintenance.ts';

/** Partitions are made by whoever runs them: here that is `npm start` itself, at its start and daily. */
test('npm start makes the partitions of the coming days by itself, and its settings give rows an end', async () => {
  const { url, drop } = await createTestDatabase();
  const database = createDatabase({ url, poolSize: 1, applicationName: 'dakia-test' });
  const tomorrow = new Date(now() + 86_400_000).toISOString().slice(0, 10).replaceAll('-', '');
  await database.query(
    adHoc("INSERT INTO audit_logs (actor, action, reason, at) VALUES ('x', 'x', 'old', now() - interval '31 days')"),
  );
  const said: string[] = [];
  const maintenance = createMaintenance({ DATABASE_URL: url, DAKIA_KEEP_AUDIT_DAYS: '30' }, (_, message) => {
    said.push(message);
  });
  try {
    await maintenance.start();
    await eventually('the partition of tomorrow', async () => {
      const [found] = await database.query<{ name: string | null }>(
        adHoc(`SELECT to_regclass('webhook_events_${tomorrow}')::text AS name`),
      );
      return found?.name !== null;
    });
    await eventually('what is old is gone', async () => {
      const rows = await database.query<{ reason: string }>(adHoc('SELECT reason FROM audit_logs ORDER BY id'));
      return rows.map(({ reason }) => reason).join() === '1 rows of audit_logs';
    });
    expect(said).toEqual([]);
  } finally {
    await maintenance.stop(instant(now() + 5_000));
    await database.close();
    await drop();
  }
});

test('a setting that cannot be meant is said at the start', () => {
  expect(() =>
    createMaintenance({ DATABASE_URL: 'postgres://x@127.0.0.1/x', DAKIA_KEEP_OUTBOX_DAYS: '1' }, () => undefined),
  ).toThrow('DAKIA_KEEP_OUTBOX_DAYS');
});
