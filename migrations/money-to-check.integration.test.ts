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
const validated = (id: string, account: string, accountStatus: string, second: number) =>
  testEvent(
    'fund_account.validation.completed',
    `ev_${id}`,
    id,
    { status: 'completed', fund_account: { id: account }, results: { account_status: accountStatus } },
    second,
  );

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
    // A part too many after the parts that made the order; the failed refund is made good by another.
    order('order_more', 50),
    captured('pay_more_a', { amount: 20, order_id: 'order_more' }),
    captured('pay_more_b', { amount: 30, order_id: 'order_more' }),
    captured('pay_more_c', { amount: 31, order_id: 'order_more' }),
    refund('rfnd_more_c', 'failed', { payment_id: 'pay_more_c', amount: 31 }),
    refund('rfnd_more_d', 'processed', { payment_id: 'pay_more_c', amount: 10 }),
    // Set right by a refund that no payment's snapshot tells of: nothing is left of either.
    order('order_right', 800),
    captured('pay_right_a', { amount: 800, order_id: 'order_right' }),
    captured('pay_right_b', { amount: 800, order_id: 'order_right' }),
    refund('rfnd_right_f', 'failed', { payment_id: 'pay_right_b', amount: 800 }),
    refund('rfnd_right', 'processed', { payment_id: 'pay_right_b', amount: 800 }),
    order('order_less', 90, 70),
    captured('pay_less', { amount: 70, order_id: 'order_less' }),
    refund('rfnd_less', 'processed', { payment_id: 'pay_less', amount: 70 }),
    testEvent('payment.failed', 'ev_gone_1', 'pay_gone', { status: 'failed' }, TODAY_S - 60),
    testEvent('payment.authorized', 'ev_gone_2', 'pay_gone', { status: 'authorized', amount: 65, currency: 'INR' }),
    refund('rfnd_gone', 'pending', { payment_id: 'pay_gone', amount: 65 }),
    // Currencies without decimals, and with three.
    captured('pay_yen_a', { amount: 1_200, currency: 'JPY', order_id: 'order_yen' }),
    captured('pay_yen_b', { amount: 1_300, currency: 'JPY', order_id: 'order_yen' }),
    refund('rfnd_dinar', 'failed', { payment_id: 'pay_dinar', amount: 1_234_567, currency: 'KWD' }),
    captured('pay_unknown', { amount: '5.00', order_id: 'order_unknown' }),
    captured('pay_unknown_b', { amount: 5, order_id: 'order_unknown' }),
    ...['a', 'b'].map((name, second) =>
      testEvent('order.paid', `ev_receipt_${name}`, `order_receipt_${name}`, {
        ...{ status: 'paid', amount: 660, amount_paid: 660, currency: 'INR', receipt: 'R-1' },
        created_at: TODAY_S - 60 + second,
      }),
    ),
    captured('pay_receipt_a', { amount: 660, order_id: 'order_receipt_a' }),
    captured('pay_receipt_b', { amount: 660, order_id: 'order_receipt_b' }),
    testEvent('payment.dispute.created', 'ev_disp', 'disp_open', {
      ...{ status: 'open', phase: 'chargeback', amount: 640, currency: 'INR', respond_by: TODAY_S + 86_400 },
    }),
    refund('rfnd_odd', 'processed', { payment_id: 'pay_odd', amount: 15, status: 'reversed' }),
    validated('fav_wrong', 'fa_wrong', 'Invalid', TODAY_S - 60),
    // Checked again after it was mended; a check before it says nothing.
    validated('fav_mended', 'fa_mended', 'invalid', TODAY_S - 60),
    validated('fav_mended_b', 'fa_mended', 'active', TODAY_S - 30),
    validated('fav_broken_a', 'fa_broken', 'active', TODAY_S - 60),
    validated('fav_broken', 'fa_broken', 'invalid', TODAY_S - 30),
    testEvent('payment.authorized', 'ev_prompt', 'pay_prompt', { status: 'authorized', amount: 60, currency: 'INR' }),
  );
  // The views look at the clock of Postgres.
  await store.rows("UPDATE payment_refunds SET created_at = now() - interval '8 days' WHERE refund_id = 'rfnd_stuck'");
  await store.rows("UPDATE payment_refunds SET created_at = now() - interval '1 day' WHERE refund_id = 'rfnd_young'");
  await store.rows(
    "UPDATE payment_transactions SET created_at = now() - interval '2 minutes' WHERE payment_id = 'pay_late'",
  );
  const listed = await store.rows<Record<'kind' | 'family' | 'key' | 'currency', string> & { cost: number | null }>(
    'SELECT kind, family, entity_key AS key, cost_minor::int AS cost, currency FROM money_to_check',
  );
  expect(listed.map(({ kind, family, key, cost, currency }) => [kind, family, key, cost, currency].join(' '))).toEqual([
    'captured_twice orders order_twice 700 INR',
    'receipt_captured_twice orders order_receipt_b 660 INR',
    'dispute_to_answer disputes disp_open 640 INR',
    'late_authorized payments pay_late 60 INR',
    'amount_mismatch payments pay_other 50 INR',
    'refund_stuck refunds rfnd_stuck 40 INR',
    'refund_failed refunds rfnd_more_c 31 INR',
    'refund_failed refunds rfnd_failed 30 INR',
    'captured_twice orders order_more 21 INR',
    'over_refunded payments pay_over 20 INR',
    'status_unknown refunds rfnd_odd 15 INR',
    'captured_twice orders order_unknown  INR',
    'captured_twice orders order_yen 1200 JPY',
    'refund_failed refunds rfnd_dinar 1234567 KWD',
    'validation_invalid fund_accounts fav_broken  ',
    'validation_invalid fund_accounts fav_wrong  ',
  ]);
  expect(await store.rows('SELECT refund_id FROM refunds_stuck')).toEqual([{ refund_id: 'rfnd_stuck' }]);
  expect(
    await store.rows(
      `SELECT payment_id, auto_refund_at = created_at + interval '3 days' AS three, time_left > interval '1 day' AS left
        FROM late_authorisations`,
    ),
  ).toEqual([{ payment_id: 'pay_late', three: true, left: true }]);
});
