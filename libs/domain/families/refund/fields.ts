import { entityBeside } from '#catalogue';
import { commonFields, ever, latest, readFlag, readText } from '#rules';
import type { Field, Snapshot } from '#rules';

/**
 * Lowest rank first (razorpay.com/docs/payments/refunds: pending → processed, pending → failed; `processed` is final).
 * Both ends for one refund contradict each other. `processed` stands higher: it is the one that the documentation calls
 * final, and money that left must not be shown as money that stayed.
 */
export const refundStatuses = ['pending', 'failed', 'processed'] as const;
export type RefundStatus = (typeof refundStatuses)[number];

/** The refunded payment's snapshot, which lies beside the refund (razorpay.com/docs/webhooks/refunds); older bodies have none. */
const paymentOf = (snapshot: Snapshot) => entityBeside(snapshot, 'payment');

const orderId: Field = {
  type: 'text',
  rule: 'latest',
  read: (snapshot) => readText(paymentOf(snapshot)?.['order_id']),
};

/** A refund of a payment that was never captured was not asked for by anyone: Razorpay made it (scenarios.md §8). */
const autoRefund: Field = {
  type: 'boolean',
  rule: 'latest',
  read: (snapshot) => {
    const captured = readFlag(paymentOf(snapshot)?.['captured']);
    return captured === undefined ? undefined : !captured;
  },
};

/** An instant refund that fell back to normal speed stays one (razorpay.com/docs/webhooks/refunds, refund.speed_changed). */
const speedChanged: Field = {
  ...ever.flag('speed_changed'),
  read: ({ event }) => (event === 'refund.speed_changed' ? true : undefined),
};

/** Columns of `payment_refunds`. Entity: razorpay.com/docs/api/refunds/entity. Amounts are minor units of `currency`. */
export const refundFields = {
  ...commonFields,
  payment_id: latest.text('payment_id'),
  order_id: orderId,
  amount_minor: latest.integer('amount'),
  currency: latest.text('currency'),
  speed_requested: latest.text('speed_requested'),
  speed_processed: latest.text('speed_processed'),
  speed_changed: speedChanged,
  auto_refund: autoRefund,
  receipt: latest.text('receipt'),
  batch_id: latest.text('batch_id'),
  // The bank's references, which often come after `processed` (razorpay.com/docs/payments/refunds): what is known is kept.
  arn: latest.text('acquirer_data', 'arn'),
  rrn: latest.text('acquirer_data', 'rrn'),
  utr: latest.text('acquirer_data', 'utr'),
  notes: latest.json('notes'),
  created_at: latest.time('created_at'),
} as const satisfies Record<string, Field>;
