import { arrive, bareSnapshot } from '#kit/arrive';
import { inEveryOrder } from '#kit/orders';
import { publishedBodies, snapshotOf } from '#kit/published';
import { eventId, fromEpochSeconds } from '#rules';
import type { JsonRecord, Snapshot } from '#rules';
import { refundAggregate } from './index.ts';
import { refundTransitions } from './transitions.ts';

type RefundEvent = keyof typeof refundTransitions.absent;

const at = (event: RefundEvent, second: number, subject: JsonRecord = {}, payment?: JsonRecord): Snapshot => ({
  ...bareSnapshot(event),
  eventId: eventId(`${event}@${second}`),
  occurredAt: fromEpochSeconds(1_700_000_000 + second),
  subject,
  payload: payment === undefined ? {} : { payment: { entity: payment } },
});

describe('a refund', () => {
  test('takes the payment beside it as it comes: in `entity`, or without', () => {
    const paid = { id: 'pay_1', order_id: 'order_1', captured: false };
    for (const payment of [{ entity: paid }, paid, { ...paid, entity: 'payment' }]) {
      const { state } = arrive(refundAggregate, [[{ ...at('refund.created', 0), payload: { payment } }]]);
      expect(state?.values).toMatchObject({ order_id: 'order_1', auto_refund: true });
    }
  });

  test('refund.processed before refund.created ends processed, with what only the older one knows', () => {
    const state = inEveryOrder(refundAggregate, [
      at('refund.created', 0, { status: 'pending', receipt: 'receipt 1', acquirer_data: { arn: null } }),
      at('refund.processed', 60, {
        status: 'processed',
        acquirer_data: { arn: '74332745200043200000000', rrn: '001000100001', utr: 'UTR1' },
      }),
      at('refund.processed', 90, { status: 'processed' }),
    ]);
    expect(state.status).toBe('processed');
    expect(state.values).toMatchObject({
      receipt: 'receipt 1',
      arn: '74332745200043200000000',
      rrn: '001000100001',
      utr: 'UTR1',
      // The first says when it was.
      processed_at: 1_700_000_060_000,
      last_event_id: 'refund.processed@90',
    });
  });

  test('refund.created with status processed, as seen live, is processed at once; a bare one is pending', () => {
    expect(arrive(refundAggregate, [[at('refund.created', 0, { status: 'processed' })]]).state?.status).toBe(
      'processed',
    );
    expect(arrive(refundAggregate, [[at('refund.created', 0)]]).state?.status).toBe('pending');
  });

  test('an instant refund that fell back: processed at normal speed, and it shows that the speed changed', () => {
    const state = inEveryOrder(refundAggregate, [
      at('refund.created', 0, { status: 'pending', speed_requested: 'optimum', speed_processed: 'instant' }),
      at('refund.speed_changed', 30, { speed_requested: 'optimum', speed_processed: 'normal' }),
      at('refund.processed', 86_400, { status: 'processed', speed_processed: 'normal' }),
    ]);
    expect(state.status).toBe('processed');
    expect(state.values).toMatchObject({ speed_requested: 'optimum', speed_processed: 'normal', speed_changed: true });
  });

  test('processed and failed contradict each other: the later counts, and failed within one second', () => {
    const ended = (...events: readonly Snapshot[]) => inEveryOrder(refundAggregate, events).status;
    expect(ended(at('refund.processed', 0), at('refund.failed', 60))).toBe('failed');
    expect(ended(at('refund.failed', 0), at('refund.processed', 60))).toBe('processed');
    expect(ended(at('refund.failed', 0), at('refund.processed', 0))).toBe('failed');
    expect(ended(at('refund.failed', 0), at('refund.processed', 60), at('refund.created', 90))).toBe('processed');
  });

  test.each([
    [false, true],
    ['0', true],
    [true, false],
    [undefined, undefined],
  ])('a payment with captured %p makes auto_refund %p', (captured, expected) => {
    const { state } = arrive(refundAggregate, [
      [at('refund.created', 0, {}, { captured, order_id: 'order_1Aa00000000001' })],
    ]);
    expect(state?.values['auto_refund']).toBe(expected);
    expect(state?.values['order_id']).toBe('order_1Aa00000000001');
  });

  test('every published body is applied', () => {
    for (const { file, body } of publishedBodies((event) => Object.hasOwn(refundTransitions.absent, event))) {
      const { state } = arrive(refundAggregate, [[snapshotOf(body, file)]]);
      expect([file, state?.status]).toEqual([file, file.startsWith('refund.failed') ? 'failed' : 'processed']);
      expect([file, state?.values]).toEqual([
        file,
        expect.objectContaining({ payment_id: expect.stringMatching(/^pay_/), currency: 'INR', auto_refund: false }),
      ]);
    }
  });
});
