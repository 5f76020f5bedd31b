import { arrive } from '#kit/arrive';
import { inEveryOrder } from '#kit/orders';
import { publishedBodies, snapshotOf } from '#kit/published';
import type { JsonRecord, Snapshot } from '#rules';
import { paymentLinkAggregate } from './index.ts';

const CREATED = 1_748_425_227;
const ORDER_ID = 'order_QaIpw7Vl1y4z8r';
/** Event ids go down, so that they never decide what the rules should. */
let left = 9999;

/** One event of the link: 1000 paise, the envelope's time always that of its creation. */
const link = (
  name: 'paid' | 'partially_paid' | 'expired' | 'cancelled',
  entity: JsonRecord,
  beside: JsonRecord = {},
): Snapshot =>
  snapshotOf(
    {
      event: `payment_link.${name}`,
      account_id: 'acc_MWWeS9Ico5tQBk',
      created_at: CREATED,
      payload: {
        payment_link: {
          entity: {
            id: 'plink_QaIpqBWhd58CE3',
            status: name,
            amount: 1000,
            currency: 'INR',
            cancelled_at: 0,
            expired_at: 0,
            notes: null,
            ...entity,
          },
        },
        ...beside,
      },
    },
    `event_${String((left -= 1)).padStart(4, '0')}`,
  );
const paidBy = (paymentId: string): JsonRecord => ({
  payment: { entity: { id: paymentId, order_id: ORDER_ID } },
  order: { entity: { id: 'QaIpw7Vl1y4z8r' } },
});

const first = link('partially_paid', { amount_paid: 100, updated_at: CREATED + 35 }, paidBy('pay_1Aa00000000001'));
const second = link('partially_paid', { amount_paid: 400, updated_at: CREATED + 60 }, paidBy('pay_1Aa00000000002'));
const paid = link('paid', { amount_paid: 1000, updated_at: CREATED + 90 }, paidBy('pay_1Aa00000000003'));
const expired = link('expired', { amount_paid: 0, expired_at: CREATED + 1211, updated_at: CREATED });
const cancelled = link('cancelled', { amount_paid: 0, cancelled_at: CREATED + 28, updated_at: CREATED + 28 });

const facts = (...snapshots: Snapshot[]): readonly string[] => {
  const told: string[] = [];
  let state = arrive(paymentLinkAggregate, []).state;
  for (const snapshot of snapshots) {
    const verdict = paymentLinkAggregate.apply(state, snapshot);
    if (verdict.kind === 'rejected') throw new Error(verdict.reason);
    state = verdict.next;
    told.push(...verdict.facts.map(({ kind, occurrence }) => `${kind} ${occurrence}`.trimEnd()));
  }
  return told;
};

describe('a payment link', () => {
  test('paid in parts is paid, by the newest payment, in every order', () => {
    const state = inEveryOrder(paymentLinkAggregate, [first, second, paid]);
    expect(state).toMatchObject({
      status: 'paid',
      values: {
        amount_paid_minor: 1000,
        amount_minor: 1000,
        payment_id: 'pay_1Aa00000000003',
        order_id: ORDER_ID,
        last_event_id: paid.eventId,
      },
    });
  });

  test('between partial payments the one with more paid stands higher, although the envelopes have the same time', () => {
    const state = inEveryOrder(paymentLinkAggregate, [second, first]);
    expect(state).toMatchObject({
      status: 'partially_paid',
      values: { amount_paid_minor: 400, payment_id: 'pay_1Aa00000000002', last_event_id: second.eventId },
    });
  });

  test('between snapshots of one status and amount the one updated later stands higher; before that the amount decides', () => {
    const edited = link('partially_paid', { amount_paid: 100, updated_at: CREATED + 36, description: 'Edited' });
    expect(inEveryOrder(paymentLinkAggregate, [first, edited]).values['last_event_id']).toBe(edited.eventId);
    const more = link('partially_paid', { amount_paid: 400, updated_at: CREATED + 35 });
    expect(inEveryOrder(paymentLinkAggregate, [first, edited, more]).values['last_event_id']).toBe(more.eventId);
  });

  test('that expired and was paid after all is paid, and keeps when it expired', () => {
    const state = inEveryOrder(paymentLinkAggregate, [first, expired, paid]);
    expect(state).toMatchObject({
      status: 'paid',
      values: { amount_paid_minor: 1000, expired_at: (CREATED + 1211) * 1000 },
    });
  });

  test('that expired in part paid is expired, and keeps its money', () => {
    const state = inEveryOrder(paymentLinkAggregate, [first, second, expired]);
    expect(state).toMatchObject({
      status: 'expired',
      values: { amount_paid_minor: 400, payment_id: 'pay_1Aa00000000002' },
    });
  });

  test('with contradictory ends is cancelled rather than expired, and paid rather than either', () => {
    expect(inEveryOrder(paymentLinkAggregate, [expired, cancelled]).status).toBe('cancelled');
    expect(inEveryOrder(paymentLinkAggregate, [expired, cancelled, paid]).status).toBe('paid');
  });

  test('knows its order from its own field, from its payment, or from the bare id beside it', () => {
    const own = { order_id: 'order_own' };
    expect(arrive(paymentLinkAggregate, [[link('paid', own, paidBy('pay_1'))]]).state?.values['order_id']).toBe(
      'order_own',
    );
    expect(arrive(paymentLinkAggregate, [[link('paid', {}, paidBy('pay_1'))]]).state?.values['order_id']).toBe(
      ORDER_ID,
    );
    expect(
      arrive(paymentLinkAggregate, [[link('paid', {}, { order: { entity: { id: 'QaIpw7Vl1y4z8r' } } })]]).state?.values[
        'order_id'
      ],
    ).toBe(ORDER_ID);
    expect(
      arrive(paymentLinkAggregate, [[link('paid', {}, { order: { entity: { id: ORDER_ID } } })]]).state?.values[
        'order_id'
      ],
    ).toBe(ORDER_ID);
  });

  test('dates its last event by what the snapshot knows, not by the creation of the link', () => {
    expect(arrive(paymentLinkAggregate, [[paid]]).state?.values['last_event_at']).toBe((CREATED + 90) * 1000);
    expect(arrive(paymentLinkAggregate, [[expired]]).state?.values['last_event_at']).toBe((CREATED + 1211) * 1000);
    expect(arrive(paymentLinkAggregate, [[link('paid', {})]]).state?.values['last_event_at']).toBe(CREATED * 1000);
  });

  test('reads unset times, null notes and an empty reference as unknown', () => {
    const { state } = arrive(paymentLinkAggregate, [[link('paid', { expire_by: 0, reference_id: '', user_id: '' })]]);
    for (const name of ['expire_by', 'expired_at', 'cancelled_at', 'notes', 'reference_id', 'user_id'])
      expect(state?.values).not.toHaveProperty(name);
  });

  test('is further than its event when its snapshot says so', () => {
    expect(
      arrive(paymentLinkAggregate, [[link('partially_paid', { status: 'paid', amount_paid: 1000 })]]).state?.status,
    ).toBe('paid');
    // Money is not shown as paid because of a name.
    expect(arrive(paymentLinkAggregate, [[link('paid', { status: 'created' })]]).state?.status).toBe('created');
  });
});

describe('facts of a payment link', () => {
  test('one per partial payment, told apart by the amount paid so far', () => {
    expect(facts(first, first, second, paid, second)).toEqual([
      'payment_link.partially_paid 100',
      'payment_link.partially_paid 400',
      'payment_link.paid',
    ]);
  });

  test('paid says it all when it comes first', () => {
    expect(facts(paid, first, second, expired)).toEqual(['payment_link.paid']);
  });

  test('money that comes to light after the end is told; an amount told before is not', () => {
    expect(facts(second, first)).toEqual(['payment_link.partially_paid 400']);
    expect(facts(expired, first)).toEqual(['payment_link.expired', 'payment_link.partially_paid 100']);
    expect(facts(link('expired', { amount_paid: 400 }), second)).toEqual([
      'payment_link.partially_paid 400',
      'payment_link.expired',
    ]);
  });

  test('a partial payment without an amount is told once', () => {
    expect(facts(link('partially_paid', {}), link('partially_paid', {}))).toEqual(['payment_link.partially_paid']);
  });

  test('each end once', () => {
    expect(facts(expired, expired, cancelled, expired, paid)).toEqual([
      'payment_link.expired',
      'payment_link.cancelled',
      'payment_link.paid',
    ]);
  });
});

test('every published body of a payment link is applied with its status and its money', () => {
  for (const { file, event, body } of publishedBodies((name) => name.startsWith('payment_link.'))) {
    const { state, rejected } = arrive(paymentLinkAggregate, [[snapshotOf(body, 'event_published')]]);
    const entity = (
      body['payload'] as { payment_link: { entity: { amount: number; amount_paid: number; reference_id: string } } }
    ).payment_link.entity;
    expect([file, rejected.size, state?.status]).toEqual([file, 0, event.slice('payment_link.'.length)]);
    expect(state?.values).toMatchObject({
      amount_minor: entity.amount,
      amount_paid_minor: entity.amount_paid,
      currency: 'INR',
      reference_id: entity.reference_id,
      customer_email: expect.any(String),
    });
    const withPayment = event === 'payment_link.paid' || event === 'payment_link.partially_paid';
    expect([file, typeof state?.values['payment_id']]).toEqual([file, withPayment ? 'string' : 'undefined']);
    if (withPayment) expect(state?.values['order_id']).toMatch(/^order_/);
  }
});
