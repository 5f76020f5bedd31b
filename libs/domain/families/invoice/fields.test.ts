import { arrive } from '#kit/arrive';
import { inEveryOrder } from '#kit/orders';
import { publishedBodies, snapshotOf } from '#kit/published';
import type { JsonRecord, Snapshot } from '#rules';
import { invoiceAggregate } from './index.ts';

const CREATED = 1_567_686_084;
const TOTAL = 479_030;
/** Event ids go down, so that they never decide what the rules should. */
let left = 9999;

const invoice = (
  name: 'paid' | 'partially_paid' | 'expired',
  after: number,
  entity: JsonRecord,
  beside: JsonRecord = {},
): Snapshot =>
  snapshotOf(
    {
      event: `invoice.${name}`,
      account_id: 'acc_BFQ7uQEaa7j2z7',
      created_at: CREATED + after,
      payload: {
        ...beside,
        invoice: {
          entity: {
            id: 'inv_DEW1rqhJxTyZwz',
            status: name,
            amount: TOTAL,
            currency: 'INR',
            order_id: 'order_DEW1rvumj0vSXG',
            paid_at: null,
            expired_at: null,
            notes: [],
            ...entity,
          },
        },
      },
    },
    `event_${String((left -= 1)).padStart(4, '0')}`,
  );

/** As in the published samples: the invoice's own `payment_id` stays the first payment. */
const partial = (after: number, amountPaid: number, paymentId: string): Snapshot =>
  invoice(
    'partially_paid',
    after,
    { amount_paid: amountPaid, amount_due: TOTAL - amountPaid, payment_id: 'pay_1Aa00000000001' },
    { payment: { entity: { id: paymentId } }, order: { entity: { id: 'order_DEW1rvumj0vSXG' } } },
  );

const first = partial(117, 10_000, 'pay_1Aa00000000001');
const second = partial(131, 20_000, 'pay_1Aa00000000002');
const third = partial(131, 30_000, 'pay_1Aa00000000003');
const paid = invoice(
  'paid',
  160,
  { amount_paid: TOTAL, amount_due: 0, payment_id: 'pay_1Aa00000000001', paid_at: CREATED + 160 },
  { payment: { entity: { id: 'pay_1Aa00000000004' } } },
);
const expired = invoice('expired', 200, { amount_paid: 0, amount_due: TOTAL, expired_at: CREATED + 200 });

describe('an invoice', () => {
  test('paid in parts is paid, with nothing due, in every order', () => {
    expect(inEveryOrder(invoiceAggregate, [first, second, third, paid])).toMatchObject({
      status: 'paid',
      values: {
        amount_minor: TOTAL,
        amount_paid_minor: TOTAL,
        amount_due_minor: 0,
        payment_id: 'pay_1Aa00000000001',
        last_payment_id: 'pay_1Aa00000000004',
        paid_at: (CREATED + 160) * 1000,
      },
    });
  });

  test('of two partial payments in one second the one with more paid stands higher', () => {
    expect(inEveryOrder(invoiceAggregate, [second, third, first])).toMatchObject({
      status: 'partially_paid',
      values: {
        amount_paid_minor: 30_000,
        amount_due_minor: TOTAL - 30_000,
        last_payment_id: 'pay_1Aa00000000003',
        last_event_id: third.eventId,
      },
    });
  });

  test('that expired and was paid after all is paid, and keeps when it expired', () => {
    expect(inEveryOrder(invoiceAggregate, [expired, paid])).toMatchObject({
      status: 'paid',
      values: { amount_due_minor: 0, expired_at: (CREATED + 200) * 1000 },
    });
  });

  test('that expired in part paid is expired; what is paid and what is due still agree', () => {
    expect(inEveryOrder(invoiceAggregate, [expired, first, second])).toMatchObject({
      status: 'expired',
      values: { amount_paid_minor: 20_000, amount_due_minor: TOTAL - 20_000, last_payment_id: 'pay_1Aa00000000002' },
    });
  });

  test.each(['cancelled', 'deleted'])(
    'that a snapshot shows as %s is that rather than expired or partially paid, and paid rather than that',
    (status) => {
      const ended = invoice('expired', 150, { status });
      expect(inEveryOrder(invoiceAggregate, [first, ended, expired]).status).toBe(status);
      expect(inEveryOrder(invoiceAggregate, [ended, paid]).status).toBe('paid');
    },
  );

  test('knows its order from its own field, from its payment, or from the order beside it', () => {
    const orderOf = (entity: JsonRecord, beside: JsonRecord): unknown =>
      arrive(invoiceAggregate, [[invoice('paid', 1, entity, beside)]]).state?.values['order_id'];
    const beside = { payment: { entity: { order_id: 'order_payment' } }, order: { entity: { id: 'order_beside' } } };
    expect(orderOf({ order_id: 'order_own' }, beside)).toBe('order_own');
    expect(orderOf({ order_id: null }, beside)).toBe('order_payment');
    expect(orderOf({ order_id: null }, { order: beside.order })).toBe('order_beside');
  });

  test('for nothing (a mandate of 0) is paid with 0, which is not unknown', () => {
    expect(
      arrive(invoiceAggregate, [[invoice('paid', 1, { amount: 0, amount_paid: 0, amount_due: 0 })]]).state?.values,
    ).toMatchObject({ amount_minor: 0, amount_paid_minor: 0, amount_due_minor: 0 });
  });
});

test('facts of an invoice: one per partial payment, told apart by the amount paid so far, and one per end', () => {
  const told: string[] = [];
  let state = arrive(invoiceAggregate, []).state;
  for (const snapshot of [first, first, third, second, expired, paid, expired]) {
    const verdict = invoiceAggregate.apply(state, snapshot);
    if (verdict.kind === 'rejected') throw new Error(verdict.reason);
    state = verdict.next;
    told.push(...verdict.facts.map(({ kind, occurrence }) => `${kind} ${occurrence}`.trimEnd()));
  }
  expect(told).toEqual([
    'invoice.partially_paid 10000',
    'invoice.partially_paid 30000',
    'invoice.expired',
    'invoice.paid',
  ]);
});

describe('published bodies', () => {
  test('every one of an invoice is applied with its status and its money', () => {
    for (const { file, event, body } of publishedBodies((name) => name.startsWith('invoice.'))) {
      const { state, rejected } = arrive(invoiceAggregate, [[snapshotOf(body, 'event_published')]]);
      const entity = (body['payload'] as { invoice: { entity: Record<string, unknown> } }).invoice.entity;
      expect([file, rejected.size, state?.status]).toEqual([file, 0, event.slice('invoice.'.length)]);
      expect(state?.values).toMatchObject({
        amount_minor: entity['amount'],
        amount_paid_minor: entity['amount_paid'],
        amount_due_minor: entity['amount_due'],
        gross_amount_minor: entity['gross_amount'],
        tax_amount_minor: entity['tax_amount'],
        currency: entity['currency'],
        order_id: entity['order_id'],
        customer_id: entity['customer_id'],
        customer_email: 'gaurav.kumar@example.com',
      });
    }
  });

  test('the four partial payments of one invoice add up, in every order', () => {
    const bodies = publishedBodies((name) => name === 'invoice.partially_paid');
    if (bodies.length === 0) return;
    const state = inEveryOrder(
      invoiceAggregate,
      bodies.map(({ body }, at) => snapshotOf(body, `event_${at}`)),
    );
    expect(state.values).toMatchObject({
      amount_paid_minor: 40_000,
      amount_due_minor: 439_030,
      payment_id: 'pay_DEW3tZzpXkKWtO',
      last_payment_id: 'pay_DEW4fwWyn23Ufp',
    });
  });
});
