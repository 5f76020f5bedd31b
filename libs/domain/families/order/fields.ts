import { entityBeside } from '#catalogue';
import {
  clearable,
  column,
  commonFields,
  foldInto,
  highest,
  latest,
  lowest,
  personal,
  providerStatus,
  readText,
  searched,
} from '#rules';
import type { Field, Reading } from '#rules';

/**
 * Lowest rank first (razorpay.com/docs/payments/orders). `paid` is never left, also not after a refund
 * (razorpay.com/docs/payments/refunds).
 */
export const orderStatuses = ['created', 'attempted', 'paid'] as const;
export type OrderStatus = (typeof orderStatuses)[number];

/** What the pre-debit notice came to, by the event's name; undefined for events about the order itself. */
export const noticeOf = (event: string): 'delivered' | 'failed' | undefined =>
  event === 'order.notification.delivered' ? 'delivered' : event === 'order.notification.failed' ? 'failed' : undefined;

/** The subject of a notice is the notice, not the order: neither may fill the other's columns. */
const ofOrder = (reading: Reading): Reading => ({
  ...reading,
  read: (snapshot) => (noticeOf(snapshot.event) === undefined ? reading.read(snapshot) : undefined),
  isUnreadable: (snapshot) => noticeOf(snapshot.event) === undefined && reading.isUnreadable?.(snapshot) === true,
});
const ofNotice = (reading: Reading): Reading => ({
  ...reading,
  read: (snapshot) => (noticeOf(snapshot.event) === undefined ? undefined : reading.read(snapshot)),
  isUnreadable: (snapshot) => noticeOf(snapshot.event) !== undefined && reading.isUnreadable?.(snapshot) === true,
});

/**
 * The payment that completed the order lies beside it (razorpay.com/docs/webhooks/orders, order.paid); beside an order
 * that is not paid yet lies one that paid a part.
 */
const paymentId: Reading = {
  type: 'text',
  rule: 'latest',
  read: (snapshot) =>
    snapshot.isSighting === true && foldInto(orderStatuses, snapshot.subject['status']) !== 'paid'
      ? undefined
      : readText(entityBeside(snapshot, 'payment')?.['id']),
};

/**
 * Columns of `payment_orders`. Entity: razorpay.com/docs/api/orders/entity. Amounts are minor units of `currency`.
 * Notices: razorpay.com/docs/api/payments/recurring-payments/webhooks; the row keeps the newest one.
 */
export const orderFields = {
  ...commonFields,
  provider_status: column(commonFields.provider_status.words, ofOrder(providerStatus)),
  payment_id: column('Payment that completed the order.', ofOrder(paymentId)),
  amount_minor: column('Amount to be paid.', ofOrder(latest.integer('amount'))),
  amount_paid_minor: column('How much of it is paid.', ofOrder(highest.integer('amount_paid'))),
  amount_due_minor: column('How much of it is still to be paid.', ofOrder(lowest.integer('amount_due'))),
  currency: column('Currency of its amounts, ISO 4217.', ofOrder(latest.text('currency'))),
  receipt: searched('text', column("Merchant's own number of the order.", ofOrder(latest.text('receipt')))),
  offer_id: column('Offer that was applied.', ofOrder(latest.text('offer_id'))),
  attempts: column('How many payments were tried on it.', ofOrder(highest.integer('attempts'))),
  description: personal('Text that the merchant gave the order.', ofOrder(latest.text('description'))),
  notes: personal('Pairs that the merchant attached.', ofOrder(latest.json('notes'))),
  created_at: column('When the order was made.', ofOrder(latest.past('created_at'))),
  notification_id: column('Newest pre-debit notice of a recurring charge.', ofNotice(latest.text('id'))),
  notification_status: column('What became of that notice: delivered or failed.', {
    type: 'text',
    rule: 'latest',
    read: ({ event }) => noticeOf(event),
  }),
  notification_token_id: column('Saved instrument that the notice is about.', ofNotice(latest.text('token_id'))),
  // Null on a failed notice, which takes the place of an earlier one that was delivered.
  notification_delivered_at: column(
    'When the notice reached the customer; unknown for one that failed.',
    ofNotice(clearable.past('delivered_at')),
  ),
  notification_payment_after: column('When the charge may follow the notice.', ofNotice(latest.time('payment_after'))),
} as const satisfies Record<string, Field>;
