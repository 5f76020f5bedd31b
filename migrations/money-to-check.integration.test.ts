import { allAggregates } from '#families';
import { openTestStore, testEvent, TODAY_S } from '../test/kit/test-store.ts';
import type { TestStore } from '../test/kit/test-store.ts';

/** The machine may be busy with other tests. */
jest.setTimeout(30_000);

let store: TestStore;

beforeAll(async () => {
  store = await openTestStore('all', allAggregates);
});
afterAll(async () => store.close());

const captured = (id: string, more: Record<string, unknown>, at = TODAY_S) =>
  testEvent('payment.captured', `ev_${id}`, id, { status: 'captured', currency: 'INR', ...more }, at);
const order = (id: string, amount: number, paid = amount) =>
  testEvent('order.paid', `ev_${id}`, id, { status: 'paid', amount, amount_paid: paid, currency: 'INR' });
const refund = (id: string, status: string, more: Record<string, unknown>) =>
  testEvent(`refund.${status === 'pending' ? 'created' : status}` as 'refund.failed', `ev_${id}`, id, {
    status,
    currency: 'INR',
    ...more,
  });

test('what costs money is listed, dearest first, and what is right is not', async () => {
  const all = await store.partition('rzp.all.v1');
  await all.send(
    order('order_twice', 700),
    captured('pay_twice_a', { amount: 700, order_id: 'order_twice' }),
    captured('pay_twice_b', { amount: 700, order_id: 'order_twice' }),
    // Paid in two parts: right.
    order('order_parts', 900),
    captured('pay_part_a', { amount: 400, order_id: 'order_parts' }),
    captured('pay_part_b', { amount: 500, order_id: 'order_parts' }),
    order('order_other', 300, 250),
    captured('pay_other', { amount: 250, order_id: 'order_other' }),
    captured('pay_over', { amount: 100 }),
    refund('rfnd_over_a', 'processed', { payment_id: 'pay_over', amount: 100 }),
    refund('rfnd_over_b', 'processed', { payment_id: 'pay_over', amount: 20 }),
    refund('rfnd_failed', 'failed', { payment_id: 'pay_part_a', amount: 30 }),
    refund('rfnd_stuck', 'pending', { payment_id: 'pay_part_b', amount: 40 }),
    refund('rfnd_young', 'pending', { payment_id: 'pay_part_b', amount: 40 }),
    testEvent('payment.failed', 'ev_late_1', 'pay_late', { status: 'failed' }, TODAY_S - 60),
    testEvent('payment.authorized', 'ev_late_2', 'pay_late', {
      status: 'authorized',
      amount: 60,
      currency: 'INR',
    }),
    testEvent('payment.authorized', 'ev_prompt', 'pay_prompt', { status: 'authorized', amount: 60, currency: 'INR' }),
  );
  // The views look at the clock of Postgres.
  await store.rows("UPDATE payment_refunds SET created_at = now() - interval '8 days' WHERE refund_id = 'rfnd_stuck'");
  await store.rows("UPDATE payment_refunds SET created_at = now() - interval '1 day' WHERE refund_id = 'rfnd_young'");
  await store.rows(
    "UPDATE payment_transactions SET created_at = now() - interval '2 minutes' WHERE payment_id = 'pay_late'",
  );
  expect(await store.rows('SELECT kind, family, entity_key, cost_minor::int AS cost FROM money_to_check')).toEqual([
    { kind: 'captured_twice', family: 'orders', entity_key: 'order_twice', cost: 700 },
    { kind: 'late_authorized', family: 'payments', entity_key: 'pay_late', cost: 60 },
    { kind: 'amount_mismatch', family: 'payments', entity_key: 'pay_other', cost: 50 },
    { kind: 'refund_stuck', family: 'refunds', entity_key: 'rfnd_stuck', cost: 40 },
    { kind: 'refund_failed', family: 'refunds', entity_key: 'rfnd_failed', cost: 30 },
    { kind: 'over_refunded', family: 'payments', entity_key: 'pay_over', cost: 20 },
  ]);
  expect(await store.rows('SELECT refund_id FROM refunds_stuck')).toEqual([{ refund_id: 'rfnd_stuck' }]);
  expect(
    await store.rows(
      `SELECT payment_id, auto_refund_at = created_at + interval '3 days' AS three, time_left > interval '1 day' AS left
        FROM late_authorisations`,
    ),
  ).toEqual([{ payment_id: 'pay_late', three: true, left: true }]);
});
