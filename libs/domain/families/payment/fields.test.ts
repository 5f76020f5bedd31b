import { arrive, bareSnapshot } from '#kit/arrive';
import { inEveryOrder } from '#kit/orders';
import { publishedBodies, snapshotOf } from '#kit/published';
import { eventId, fromEpochSeconds } from '#rules';
import type { JsonRecord, Snapshot } from '#rules';
import { paymentAggregate } from './index.ts';
import { paymentTransitions } from './transitions.ts';

type PaymentEvent = keyof typeof paymentTransitions.absent;

const at = (event: PaymentEvent, second: number, subject: JsonRecord = {}): Snapshot => ({
  ...bareSnapshot(event),
  eventId: eventId(`${event}@${second}`),
  occurredAt: fromEpochSeconds(1_700_000_000 + second),
  subject,
});

const failure = { status: 'failed', error_code: 'GATEWAY_ERROR', error_reason: 'payment_timed_out', captured: false };
const noError = { error_code: null, error_reason: null };

describe('a payment', () => {
  test('failed → authorized → captured, a late authorisation, ends captured without the error in every order', () => {
    const state = inEveryOrder(paymentAggregate, [
      at('payment.failed', 0, failure),
      at('payment.authorized', 90_000, { status: 'authorized', late_authorized: true, ...noError }),
      at('payment.captured', 90_001, { status: 'captured', captured: true, fee: 2, ...noError }),
    ]);
    expect(state.status).toBe('captured');
    expect(state.values).toMatchObject({
      error_code: null,
      error_reason: null,
      late_authorized: true,
      captured: true,
      fee_minor: 2,
    });
  });

  test('when it was authorized and captured is what the first event of that name says, and no sighting or later copy does', () => {
    const sighted = { ...at('payment.captured', 5, { status: 'captured' }), isSighting: true } as const;
    const state = inEveryOrder(paymentAggregate, [
      at('payment.authorized', 7, { status: 'authorized' }),
      at('payment.authorized', 8, { status: 'authorized' }),
      at('payment.captured', 9, { status: 'captured' }),
      at('payment.captured', 12, { status: 'captured' }),
      sighted,
    ]);
    const [authorized, captured] = [state.values['authorized_at'], state.values['captured_at']];
    expect([authorized, captured]).toEqual([1_700_000_007_000, 1_700_000_009_000]);
  });

  test('the bank, the card and the UPI app stand in columns of their own, each from its own place', () => {
    const card = { type: 'credit', issuer: 'HDFC', network: 'Visa', last4: '4366', international: true };
    const byCard = at('payment.captured', 1, {
      method: 'card',
      international: false,
      card,
      acquirer_data: { rrn: 'R1' },
    });
    expect(arrive(paymentAggregate, [[byCard]]).state?.values).toMatchObject({
      method: 'card',
      international: false,
      card_type: 'credit',
      card_issuer: 'HDFC',
      card_network: 'Visa',
      card_last4: '4366',
      card_international: true,
      rrn: 'R1',
    });
    const byUpi = at('payment.captured', 1, {
      method: 'upi',
      vpa: 'asha@exampleupi',
      upi: { flow: 'intent', vpa: 'other@exampleupi' },
      acquirer_data: { rrn: '001000100001', upi_transaction_id: 'ABC123' },
    });
    const { values } = arrive(paymentAggregate, [[byUpi]]).state ?? {};
    expect(values).toMatchObject({
      upi_flow: 'intent',
      vpa: 'asha@exampleupi',
      rrn: '001000100001',
      upi_transaction_id: 'ABC123',
    });
    expect(values).not.toHaveProperty('card_type');
  });

  test('a payment that only order.paid tells of was captured at its time, unless the body has none of its own', () => {
    const beside = (second: number, id: string, entity: JsonRecord) => ({
      ...at('payment.captured', second, { created_at: 1_700_000_002, ...entity }),
      event: 'order.paid' as const,
      eventId: eventId(id),
      isSighting: true as const,
    });
    const capturedAt = (...snapshots: readonly Snapshot[]) =>
      inEveryOrder(paymentAggregate, snapshots).values['captured_at'];
    const paid = beside(9, 'event_paid', { status: 'captured' });
    expect(capturedAt(paid)).toBe(1_700_000_009_000);
    expect(capturedAt(paid, at('payment.captured', 8, { status: 'captured' }))).toBe(1_700_000_008_000);
    // `occurredAt` of a sighting without the event's time is the payment's own creation.
    expect(capturedAt(beside(2, 'event_untimed', { status: 'captured' }))).toBeUndefined();
    expect(capturedAt(beside(9, 'event_part', { status: 'authorized' }))).toBeUndefined();
    expect(capturedAt({ ...paid, event: 'payment_link.paid' })).toBeUndefined();
  });

  test('failed → captured under one id, a second try in a UPI app, ends captured in every order', () => {
    expect(
      inEveryOrder(paymentAggregate, [at('payment.failed', 0, failure), at('payment.captured', 60, { captured: true })])
        .status,
    ).toBe('captured');
  });

  test('a failure that is reported after the capture, even with a later time, changes neither status nor error', () => {
    const state = inEveryOrder(paymentAggregate, [
      at('payment.captured', 0, { ...noError }),
      at('payment.failed', 60, failure),
    ]);
    expect([state.status, state.values['error_code']]).toEqual(['captured', null]);
  });

  test('a refunded amount that a newer snapshot does not know yet does not shrink', () => {
    const state = inEveryOrder(paymentAggregate, [
      at('payment.captured', 0, { amount_refunded: 40 }),
      at('payment.captured', 5, { amount_refunded: 0 }),
      at('payment.authorized', 9, { amount_refunded: null }),
    ]);
    expect(state.values['amount_refunded_minor']).toBe(40);
  });

  test('what only an older snapshot knows fills the row, whenever it comes', () => {
    const state = inEveryOrder(paymentAggregate, [
      at('payment.authorized', 0, { vpa: 'a@exampleupi', notes: [] }),
      at('payment.captured', 5, { vpa: null }),
    ]);
    expect(state.values).toMatchObject({ vpa: 'a@exampleupi', last_event_id: 'payment.captured@5' });
    expect(state.values).not.toHaveProperty('notes');
  });

  test('a snapshot that is further than its event counts as far as it is', () => {
    expect(arrive(paymentAggregate, [[at('payment.authorized', 0, { status: 'refunded' })]]).state?.status).toBe(
      'refunded',
    );
  });

  test('every published body is applied', () => {
    for (const { file, body } of publishedBodies((event) => Object.hasOwn(paymentTransitions.absent, event))) {
      const { state } = arrive(paymentAggregate, [[snapshotOf(body, file)]]);
      expect([file, state?.status]).toEqual([file, expect.stringMatching(/^(authorized|captured|failed)$/)]);
      expect([file, typeof state?.values['amount_minor'], state?.values['currency']]).toEqual([
        file,
        'number',
        expect.stringMatching(/^[A-Z]{3}$/),
      ]);
    }
  });
});
