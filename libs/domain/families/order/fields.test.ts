import { arrive, bareSnapshot } from '#kit/arrive';
import { inEveryOrder } from '#kit/orders';
import { publishedBodies, snapshotOf } from '#kit/published';
import { eventId, fromEpochSeconds } from '#rules';
import type { JsonRecord, Snapshot } from '#rules';
import { orderAggregate } from './index.ts';
import { noticeOf } from './fields.ts';
import { orderTransitions } from './transitions.ts';

type OrderEvent = keyof typeof orderTransitions.absent;

const at = (
  event: OrderEvent,
  second: number | null,
  subject: JsonRecord = {},
  payload: JsonRecord = {},
): Snapshot => ({
  ...bareSnapshot(event),
  eventId: eventId(`${event}@${second ?? 'unknown'}`),
  occurredAt: second === null ? null : fromEpochSeconds(1_700_000_000 + second),
  subject,
  payload,
});

const DELIVERED = 'order.notification.delivered';
const FAILED = 'order.notification.failed';

describe('an order', () => {
  test('takes the payment beside it as it comes: in `entity`, or without', () => {
    const paid = { id: 'pay_1', status: 'captured' };
    for (const payment of [{ entity: paid }, paid, { ...paid, entity: 'payment' }]) {
      expect(arrive(orderAggregate, [[at('order.paid', 0, {}, { payment })]]).state?.values).toMatchObject({
        payment_id: 'pay_1',
      });
    }
  });

  test('stays paid, whatever comes later: an older snapshot, another one of the same, a notice', () => {
    const state = inEveryOrder(orderAggregate, [
      at('order.paid', 0, { status: 'paid', amount_paid: 100, amount_due: 0, attempts: 2 }),
      at('order.paid', 5, { status: 'attempted', amount_paid: 0, attempts: 1 }),
      at(DELIVERED, 9, { id: 'notification_1', status: 'delivered' }),
    ]);
    expect(state.status).toBe('paid');
    expect(state.values).toMatchObject({
      amount_paid_minor: 100,
      amount_due_minor: 0,
      attempts: 2,
      notification_status: 'delivered',
    });
  });

  test('is known from its notice alone, and the notice fills none of the order’s columns', () => {
    const { state } = arrive(orderAggregate, [
      [
        at(DELIVERED, 0, {
          id: 'notification_1',
          status: 'paid',
          amount: 5,
          notes: { a: 1 },
          created_at: 1_700_000_000,
        }),
      ],
    ]);
    expect(state?.status).toBe('created');
    expect(Object.keys(state?.values ?? {}).toSorted()).toEqual([
      'last_event_at',
      'last_event_id',
      'notification_id',
      'notification_status',
    ]);
  });

  test('a notice on a paid order is applied and does not become the event that the row shows', () => {
    const { state } = arrive(orderAggregate, [[at('order.paid', 0, { id: 'order_1' })]]);
    const verdict = orderAggregate.apply(state, at(FAILED, 9, { id: 'notification_1' }));
    expect(verdict).toMatchObject({
      kind: 'applied',
      next: { status: 'paid', values: { last_event_id: 'order.paid@0', notification_status: 'failed' } },
    });
  });

  test('shows its newest notice; a failed one leaves no delivery time of the one before', () => {
    const state = inEveryOrder(orderAggregate, [
      at(DELIVERED, 0, { id: 'notification_1', token_id: 'token_1', delivered_at: 1_700_000_000 }),
      at(FAILED, 86_400, { id: 'notification_2', token_id: 'token_1', delivered_at: null }),
    ]);
    expect(state.values).toMatchObject({
      notification_id: 'notification_2',
      notification_status: 'failed',
      notification_delivered_at: null,
    });
  });

  test('of two notices without any time the delivered one stands; a time inside `payload` counts as one', () => {
    expect(inEveryOrder(orderAggregate, [at(FAILED, null), at(DELIVERED, null)]).values['notification_status']).toBe(
      'delivered',
    );
    const state = inEveryOrder(orderAggregate, [
      at(FAILED, null, {}, { created_at: 1_700_000_001 }),
      at(DELIVERED, null, {}, { created_at: 1_700_000_000 }),
    ]);
    expect(state.values['notification_status']).toBe('failed');
  });

  test('each notice is one fact, told apart by its event; paid is told once', () => {
    const facts = (snapshots: readonly Snapshot[]): readonly string[] => {
      let state = undefined as ReturnType<typeof arrive>['state'];
      return snapshots.flatMap((snapshot) => {
        const verdict = orderAggregate.apply(state, snapshot);
        if (verdict.kind === 'rejected') return ['rejected'];
        state = verdict.next;
        return verdict.facts.map(({ kind, occurrence }) => `${kind} ${occurrence}`.trim());
      });
    };
    expect(facts([at(FAILED, 0), at(FAILED, 0), at(DELIVERED, 9), at('order.paid', 20), at('order.paid', 30)])).toEqual(
      [
        'order.created',
        `order.notification_failed ${FAILED}@0`,
        `order.notification_delivered ${DELIVERED}@9`,
        'order.paid',
      ],
    );
  });

  test('every published body is applied', () => {
    for (const { file, event, body } of publishedBodies((name) => Object.hasOwn(orderTransitions.absent, name))) {
      const { state } = arrive(orderAggregate, [[snapshotOf(body, file)]]);
      const notice = noticeOf(event);
      expect([file, state?.status, state?.values['notification_status']]).toEqual([
        file,
        notice === undefined ? 'paid' : 'created',
        notice,
      ]);
      if (notice === undefined)
        expect([file, state?.values['payment_id'], state?.values['currency']]).toEqual([
          file,
          expect.stringMatching(/^pay_/),
          'INR',
        ]);
      else expect([file, state?.values['notification_id']]).toEqual([file, expect.stringMatching(/^notification_/)]);
    }
  });
});
