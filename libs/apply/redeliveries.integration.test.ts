import { aggregatesOf } from '#families';
import { adHoc } from '#platform/postgres';
import { instant } from '#rules';
import { ledgerCounts } from '../../test/kit/ledger-counts.ts';
import { openTestStore, TEST_NOW, testEvent, TODAY_S } from '../../test/kit/test-store.ts';
import type { TestStore } from '../../test/kit/test-store.ts';
import { REDELIVERIES_TOLD_MAX } from './redeliveries.ts';

const TOPIC = 'rzp.payments.v1';
let store: TestStore;

/** One delivery of an event, so many seconds after the first, signed with the secret at `secret`. */
const delivered = (id: string, key: string, afterS: number, secret?: number, at: number | null = TODAY_S, as = id) => {
  const event = testEvent('payment.captured', id, key, { status: 'captured', amount: 100, currency: 'INR' }, at);
  if (!event.ok) throw new Error('a test event is an envelope');
  const receivedAt = instant(TEST_NOW + afterS * 1_000);
  const envelope = { ...event.value, eventId: as as never, receivedAt };
  return { ok: true, value: secret === undefined ? envelope : { ...envelope, secretPosition: secret } } as const;
};
const secondOf = (at: string | Date): number => (new Date(at).getTime() - TEST_NOW) / 1_000;

interface Row {
  readonly times: number;
  readonly last_received_at: Date;
  readonly deliveries: readonly { readonly at: string; readonly secret: number | null; readonly as?: string }[];
}
const redelivered = async (id: string): Promise<readonly unknown[]> =>
  (
    await store.rows<Row>(
      'SELECT times, last_received_at, deliveries FROM redeliveries WHERE razorpay_event_id = $1 ORDER BY created_at',
      [id],
    )
  ).map(({ times, last_received_at, deliveries }) => ({
    times,
    last: secondOf(last_received_at),
    told: deliveries.map(({ at, secret, as }) => [secondOf(at), secret, ...(as === undefined ? [] : [as])]),
  }));

beforeAll(async () => {
  store = await openTestStore('payments', aggregatesOf('payments'), { role: 'dakia_payments' });
});
afterAll(async () => store.close());

test('each further delivery is told once: in one batch, between batches, with its secret; the first is in webhook_events', async () => {
  const partition = await store.partition(TOPIC, 1);
  await partition.send(delivered('ev_1', 'pay_1', 0, 2), delivered('ev_1', 'pay_1', 6, 2));
  await partition.send(delivered('ev_1', 'pay_1', 40, 1), delivered('ev_1', 'pay_1', 19));
  expect(await redelivered('ev_1')).toEqual([
    {
      times: 3,
      last: 40,
      told: [
        [6, 2],
        [40, 1],
        [19, null],
      ],
    },
  ]);
  expect(await store.rows("SELECT secret_position FROM webhook_events WHERE razorpay_event_id = 'ev_1'")).toEqual([
    { secret_position: 2 },
  ]);
  expect(await ledgerCounts(store, TOPIC, 1)).toEqual({ applied: 1, duplicate: 3, passed: 4 });
});

test('an event that comes once leaves no row, and neither does a record that is read again', async () => {
  const partition = await store.partition(TOPIC, 2);
  await partition.send(delivered('ev_2', 'pay_2', 0), delivered('ev_2b', 'pay_2b', 0), delivered('ev_2b', 'pay_2b', 5));
  // The same records, as after a rebase to an earlier offset.
  await partition.send(delivered('ev_2', 'pay_2', 0), delivered('ev_2b', 'pay_2b', 0), delivered('ev_2b', 'pay_2b', 5));
  expect(await redelivered('ev_2')).toEqual([]);
  expect(await redelivered('ev_2b')).toEqual([{ times: 1, last: 5, told: [[5, null]] }]);
});

test('an event that is sent for ever is one row of bounded size, and is counted to the end', async () => {
  const partition = await store.partition(TOPIC, 3);
  const sent = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, index) => delivered('ev_3', 'pay_3', from + index));
  await partition.send(...sent(0, 20));
  await partition.send(...sent(20, 60));
  await partition.send(...sent(60, 160));
  const [row] = (await redelivered('ev_3')) as readonly { readonly times: number; readonly told: readonly unknown[] }[];
  expect(row).toMatchObject({ times: 159, last: 159 });
  expect(row?.told).toEqual(Array.from({ length: REDELIVERIES_TOLD_MAX }, (_, index) => [index + 1, null]));
});

test('one body under ever new ids: told under the id that is kept, with the id that it came under; without a time as well', async () => {
  const partition = await store.partition(TOPIC, 4);
  await partition.send(delivered('ev_4', 'pay_4', 0, 1, null));
  await partition.send(delivered('ev_4', 'pay_4', 7, 1, null, 'ev_4_other'));
  expect(await redelivered('ev_4')).toEqual([{ times: 1, last: 7, told: [[7, 1, 'ev_4_other']] }]);
});

test('two partitions are told in one transaction, and a conflict is no redelivery', async () => {
  const [one, two] = [await store.partition(TOPIC, 5), await store.partition(TOPIC, 6)];
  await one.send(delivered('ev_5', 'pay_5', 0));
  await two.send(delivered('ev_6', 'pay_6', 0));
  await Promise.all([
    one.send(delivered('ev_5', 'pay_5', 1)),
    two.send(delivered('ev_6', 'pay_6', 2), delivered('ev_6', 'pay_6_of_another_body', 3)),
  ]);
  expect([await redelivered('ev_5'), await redelivered('ev_6')]).toEqual([
    [{ times: 1, last: 1, told: [[1, null]] }],
    [{ times: 1, last: 2, told: [[2, null]] }],
  ]);
});

test('which webhooks did we get for a payment, and when again: a view answers, by indexes', async () => {
  const of = "FROM deliveries WHERE entity_key = 'pay_1' ORDER BY received_at";
  const rows = await store.rows<{
    received_at: Date;
    is_repeat: boolean;
    secret_position: number;
    body_sha256: string;
  }>(`SELECT received_at, is_repeat, secret_position, body_sha256 ${of}`);
  expect(rows.map((row) => [secondOf(row.received_at), row.is_repeat, row.secret_position])).toEqual([
    [0, false, 2],
    [6, true, 2],
    [19, true, null],
    [40, true, 1],
  ]);
  expect(new Set(rows.map(({ body_sha256 }) => body_sha256)).size).toBe(1);
  expect(rows[0]?.body_sha256).toMatch(/^[0-9a-f]{64}$/);
  const plan = await store.database.query<{ 'QUERY PLAN': string }>(adHoc(`EXPLAIN SELECT * ${of}`));
  const text = plan.map((line) => line['QUERY PLAN']).join('\n');
  expect(text).toMatch(/Index (Only )?Scan (using|on) webhook_events_default_entity/);
  expect(text).toContain('redeliveries_pkey');
  expect(text).not.toContain('Seq Scan');
});
