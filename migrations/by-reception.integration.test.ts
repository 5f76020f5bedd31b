import { createTestDatabase } from '#kit';
import type { TestDatabase } from '#kit';
import { adHoc, createDatabase } from '#platform/postgres';
import type { Database } from '#platform/postgres';

/** Enough that no plan reads all of it by choice: of a day's million, what came within an hour is as large a part. */
const ROWS = 60_000;
let ours: TestDatabase;
let database: Database;

beforeAll(async () => {
  ours = await createTestDatabase();
  database = createDatabase({ url: ours.url, poolSize: 1, applicationName: 'by-reception-test' });
  // A day of events that are received as they happen; every tenth came three hours late.
  await database.query(
    adHoc(
      `INSERT INTO webhook_events (razorpay_event_id, created_at, event_type, family, entity_key, processed, verdict, reason,
                                   received_at, kafka_topic, kafka_partition, kafka_offset, payload, sighting)
       SELECT 'ev' || n, at - CASE WHEN n % 10 = 0 THEN interval '3 hours' ELSE interval '0' END,
              (ARRAY['payment.captured', 'order.paid', 'refund.processed'])[1 + n % 3], 'payments', 'pay_' || n,
              n % 100 <> 1, CASE WHEN n % 100 = 1 THEN 'parked' ELSE 'applied' END, CASE WHEN n % 100 = 1 THEN 'x' END,
              at, 'rzp.payments.v1', 0, n, '\\x7b7d', CASE WHEN n % 50 = 3 THEN 'payment' END
         FROM generate_series(1, ${ROWS}) AS n,
              LATERAL (SELECT now() - interval '1 day' * n / ${ROWS} AS at) AS moment`,
    ),
  );
}, 60_000);
afterAll(async () => {
  await database.close();
  await ours.drop();
});

/** The query as it was printed for the people who watch the inbox, by the name of its table. */
const printed = (table: string): string => `SELECT event_type, COUNT(*) AS total,
       COUNT(CASE WHEN processed = true THEN 1 END) AS processed,
       COUNT(CASE WHEN processed = false THEN 1 END) AS pending
FROM ${table} WHERE created_at >= NOW() - INTERVAL '1 hour' GROUP BY event_type;`;

test('the query counts what was received within the hour, what came late as well, and no sighting', async () => {
  const sums = async (table: string) =>
    (await database.query<{ total: number; processed: number; pending: number }>(adHoc(printed(table)))).reduce(
      (all, row) => ({
        total: all.total + row.total,
        processed: all.processed + row.processed,
        pending: all.pending + row.pending,
      }),
      { total: 0, processed: 0, pending: 0 },
    );
  const hour = ROWS / 24;
  const received = await sums('received_events');
  // A fiftieth are sightings; the hour has moved on by the time of the insertion and of the question.
  expect(received.total / (hour * 0.98)).toBeGreaterThan(0.95);
  expect(received.total / (hour * 0.98)).toBeLessThanOrEqual(1.001);
  expect(received.pending / received.total).toBeCloseTo(0.01, 2);
  expect(received.total).toBe(received.processed + received.pending);
  // By the events' own time a tenth of it is missing, and what is a sighting counts.
  expect((await sums('webhook_events')).total / hour).toBeLessThan(0.91);
});

test('it reads the index alone', async () => {
  await database.query(adHoc('VACUUM (ANALYZE) webhook_events'));
  const plan = (
    await database.query<Readonly<Record<string, string>>>(
      adHoc(`EXPLAIN (ANALYZE, BUFFERS) ${printed('received_events')}`),
    )
  )
    .map((row) => row['QUERY PLAN'])
    .join('\n');
  expect(plan).toMatch(/Index Only Scan using webhook_events_default_received on webhook_events_default/);
  expect(plan).toMatch(/Heap Fetches: 0/);
  expect(plan).not.toMatch(/Seq Scan|Bitmap/);
});
