import { entityBeside } from '#catalogue';
import { column, commonFields, ever, latest, readFlag, readText, searched } from '#rules';
import type { Field, Reading, Snapshot } from '#rules';
import { currency, notes, showing, timeOf } from '../columns.ts';

/**
 * Lowest rank first (razorpay.com/docs/payments/refunds: pending → processed, pending →
 * failed). A refund that was processed can fail later, when the customer's bank sends it back:
 * between the two ends the later one counts. Within one second `failed` does, because that is
 * the way it goes, and because money must not be shown as returned when it may not be.
 */
export const refundStatuses = ['pending', 'processed', 'failed'] as const;
export type RefundStatus = (typeof refundStatuses)[number];
export const refundEnds = ['processed', 'failed'] as const satisfies readonly RefundStatus[];

/**
 * The refunded payment's snapshot, which lies beside the refund
 * (razorpay.com/docs/webhooks/refunds); older bodies have none.
 */
const paymentOf = (snapshot: Snapshot) => entityBeside(snapshot, 'payment');

const orderId: Reading = {
  type: 'text',
  rule: 'latest',
  read: (snapshot) => readText(paymentOf(snapshot)?.['order_id']),
};

/**
 * A refund of a payment that was never captured was not asked for by anyone: Razorpay made it
 * (docs/reference/razorpay.md "Entities").
 */
const autoRefund: Reading = {
  type: 'boolean',
  rule: 'latest',
  read: (snapshot) => {
    const captured = readFlag(paymentOf(snapshot)?.['captured']);
    return captured === undefined ? undefined : !captured;
  },
};

/**
 * An instant refund that fell back to normal speed stays one
 * (razorpay.com/docs/webhooks/refunds, refund.speed_changed).
 */
const speedChanged: Reading = {
  ...ever.flag('speed_changed'),
  read: ({ event }) => (event === 'refund.speed_changed' ? true : undefined),
};

/**
 * Columns of `payment_refunds`. Entity: razorpay.com/docs/api/refunds/entity. Amounts are minor units of `currency`.
 */
export const refundFields = {
  ...commonFields,
  payment_id: column('Payment that is refunded.', latest.text('payment_id')),
  order_id: column('Order of that payment.', orderId),
  amount_minor: column('Amount that goes back.', latest.integer('amount')),
  currency,
  speed_requested: column('Speed that was asked for: normal or optimum.', latest.text('speed_requested')),
  speed_processed: column('Speed at which it is done: normal or instant.', latest.text('speed_processed')),
  speed_changed: column('Whether an instant refund fell back to normal speed.', speedChanged),
  auto_refund: column('Whether Razorpay made it by itself, for a payment that was never captured.', autoRefund),
  receipt: searched('text', column("Merchant's own number of the refund.", latest.text('receipt'))),
  batch_id: column('Batch of refunds that it belongs to.', latest.text('batch_id')),
  // The bank's references, which often come after `processed`
  // (razorpay.com/docs/payments/refunds): what is known is kept.
  arn: searched(
    'text',
    column("Reference of the card network (ARN), for the customer's bank.", latest.text('acquirer_data', 'arn')),
  ),
  rrn: searched(
    'text',
    column("Reference of the bank (RRN), for the customer's bank.", latest.text('acquirer_data', 'rrn')),
  ),
  utr: searched('text', column('Reference of the transfer (UTR).', latest.text('acquirer_data', 'utr'))),
  notes,
  created_at: column('When the refund was made.', latest.past('created_at')),
  processed_at: column(
    'When refund.processed says, and shows, that the money went back; one that fails later keeps it.',
    timeOf('first', showing(refundStatuses, 'processed'), 'refund.processed'),
  ),
} as const satisfies Record<string, Field>;
