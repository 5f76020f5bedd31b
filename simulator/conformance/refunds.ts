import { checkout } from './payments.ts';
import type { World } from './world.ts';

/**
 * RFND-01: created, then processed; and the other way round; and one
 * whose `refund.created` says it is processed already.
 */
export const normalRefund = async (world: World): Promise<void> => {
  for (const isLate of [false, true]) {
    const { payment, refund, paymentEvent, refundEvent } = checkout(world);
    const both = [refundEvent('refund.created', 10, { status: 'pending' }), refundEvent('refund.processed', 20)];
    await world.deliver(paymentEvent('payment.captured', 1), ...(isLate ? both.reverse() : both));
    await world.row('refunds', refund, { status: 'processed', payment_id: payment });
    await world.told(refund, { 'refund.processed': 1, 'refund.failed': 0 });
  }
  const { refund, refundEvent } = checkout(world);
  await world.deliver(refundEvent('refund.created', 10, { status: 'processed' }));
  await world.row('refunds', refund, { status: 'processed' });
  await world.told(refund, { 'refund.processed': 1 });
};

/** An instant refund becomes a normal one and is done: the change is told, the outcome too. */
export const instantFallsBack = async (world: World): Promise<void> => {
  const { refund, refundEvent } = checkout(world);
  await world.deliver(
    refundEvent('refund.created', 10, { speed_requested: 'optimum', status: 'pending' }),
    refundEvent('refund.speed_changed', 20, {
      speed_requested: 'optimum',
      speed_processed: 'normal',
      status: 'pending',
    }),
    refundEvent('refund.processed', 30, { speed_requested: 'optimum', speed_processed: 'normal' }),
  );
  await world.row('refunds', refund, { status: 'processed', speed_requested: 'optimum', speed_processed: 'normal' });
  await world.told(refund, { 'refund.speed_changed': 1, 'refund.processed': 1 });
};

/**
 * A normal refund fails, one fails after it was processed, an instant
 * one succeeds: Razorpay's test mode has none of them.
 */
export const refundFails = async (world: World): Promise<void> => {
  const failing = checkout(world);
  await world.deliver(
    failing.paymentEvent('payment.captured', 1),
    failing.refundEvent('refund.created', 10, { status: 'pending' }),
    failing.refundEvent('refund.failed', 20, { 'payment.amount_refunded': 0, 'payment.refund_status': null }),
  );
  await world.row('refunds', failing.refund, { status: 'failed' });
  await world.told(failing.refund, { 'refund.failed': 1, 'refund.processed': 0 });
  await world.demand(
    `what went back of ${failing.payment}`,
    'SELECT status, refunded_minor::int AS refunded, refund_status FROM payment_overview WHERE payment_id = $1',
    [failing.payment],
    [{ status: 'captured', refunded: 0, refund_status: null }],
  );

  const turning = checkout(world);
  await world.deliver(
    turning.refundEvent('refund.processed', 10),
    turning.refundEvent('refund.failed', 86_400 - 3_600),
  );
  await world.row('refunds', turning.refund, { status: 'failed' });
  await world.told(turning.refund, { 'refund.processed': 1, 'refund.failed': 1, 'refund.contradicted': 1 });

  const instant = checkout(world);
  await world.deliver(
    instant.refundEvent('refund.processed', 10, { speed_requested: 'optimum', speed_processed: 'instant' }),
  );
  await world.row('refunds', instant.refund, { status: 'processed', speed_processed: 'instant' });
};

/** BP-12: the receiver sees that more went back than was paid. */
export const refundedTwice = async (world: World): Promise<void> => {
  const { payment, paymentEvent, refundEvent } = checkout(world);
  await world.deliver(
    paymentEvent('payment.captured', 1),
    refundEvent('refund.processed', 10, {
      amount: 50_000,
      'payment.amount_refunded': 50_000,
      'payment.refund_status': 'full',
      'payment.status': 'refunded',
    }),
    refundEvent('refund.processed', 20, {
      id: world.id('rfnd_'),
      amount: 50_000,
      'payment.amount_refunded': 100_000,
      'payment.refund_status': 'full',
      'payment.status': 'refunded',
    }),
  );
  await world.told(payment, { 'payment.over_refunded': 1 });
};
