import { checkout } from './payments.ts';
import type { Deployment } from './deployment.ts';

/**
 * RFND-01: created, then processed; and the other way round; and one
 * whose `refund.created` says it is processed already.
 */
export const normalRefund = async (deployment: Deployment): Promise<void> => {
  for (const isLate of [false, true]) {
    const { payment, refund, paymentEvent, refundEvent } = checkout(deployment);
    const both = [refundEvent('refund.created', 10, { status: 'pending' }), refundEvent('refund.processed', 20)];
    await deployment.deliver(paymentEvent('payment.captured', 1), ...(isLate ? both.reverse() : both));
    await deployment.row('refunds', refund, { status: 'processed', payment_id: payment });
    await deployment.told(refund, { 'refund.processed': 1, 'refund.failed': 0 });
  }
  const { refund, refundEvent } = checkout(deployment);
  await deployment.deliver(refundEvent('refund.created', 10, { status: 'processed' }));
  await deployment.row('refunds', refund, { status: 'processed' });
  await deployment.told(refund, { 'refund.processed': 1 });
};

/** An instant refund becomes a normal one and is done: the change is told, the outcome too. */
export const instantFallsBack = async (deployment: Deployment): Promise<void> => {
  const { refund, refundEvent } = checkout(deployment);
  await deployment.deliver(
    refundEvent('refund.created', 10, { speed_requested: 'optimum', status: 'pending' }),
    refundEvent('refund.speed_changed', 20, {
      speed_requested: 'optimum',
      speed_processed: 'normal',
      status: 'pending',
    }),
    refundEvent('refund.processed', 30, { speed_requested: 'optimum', speed_processed: 'normal' }),
  );
  await deployment.row('refunds', refund, {
    status: 'processed',
    speed_requested: 'optimum',
    speed_processed: 'normal',
  });
  await deployment.told(refund, { 'refund.speed_changed': 1, 'refund.processed': 1 });
};

/**
 * A normal refund fails, one fails after it was processed, an instant
 * one succeeds: Razorpay's test mode has none of them.
 */
export const refundFails = async (deployment: Deployment): Promise<void> => {
  const failing = checkout(deployment);
  await deployment.deliver(
    failing.paymentEvent('payment.captured', 1),
    failing.refundEvent('refund.created', 10, { status: 'pending' }),
    failing.refundEvent('refund.failed', 20, { 'payment.amount_refunded': 0, 'payment.refund_status': null }),
  );
  await deployment.row('refunds', failing.refund, { status: 'failed' });
  await deployment.told(failing.refund, { 'refund.failed': 1, 'refund.processed': 0 });
  await deployment.demand(
    `what went back of ${failing.payment}`,
    'SELECT status, refunded_minor::int AS refunded, refund_status FROM payment_overview WHERE payment_id = $1',
    [failing.payment],
    [{ status: 'captured', refunded: 0, refund_status: null }],
  );

  const turning = checkout(deployment);
  await deployment.deliver(
    turning.refundEvent('refund.processed', 10),
    turning.refundEvent('refund.failed', 86_400 - 3_600),
  );
  await deployment.row('refunds', turning.refund, { status: 'failed' });
  await deployment.told(turning.refund, { 'refund.processed': 1, 'refund.failed': 1, 'refund.contradicted': 1 });

  const instant = checkout(deployment);
  await deployment.deliver(
    instant.refundEvent('refund.processed', 10, { speed_requested: 'optimum', speed_processed: 'instant' }),
  );
  await deployment.row('refunds', instant.refund, { status: 'processed', speed_processed: 'instant' });
};

/** BP-12: the receiver sees that more went back than was paid. */
export const refundedTwice = async (deployment: Deployment): Promise<void> => {
  const { payment, paymentEvent, refundEvent } = checkout(deployment);
  await deployment.deliver(
    paymentEvent('payment.captured', 1),
    refundEvent('refund.processed', 10, {
      amount: 50_000,
      'payment.amount_refunded': 50_000,
      'payment.refund_status': 'full',
      'payment.status': 'refunded',
    }),
    refundEvent('refund.processed', 20, {
      id: deployment.id('rfnd_'),
      amount: 50_000,
      'payment.amount_refunded': 100_000,
      'payment.refund_status': 'full',
      'payment.status': 'refunded',
    }),
  );
  await deployment.told(payment, { 'payment.over_refunded': 1 });
};
