import { entityBeside } from '#catalogue';
import { clearable, commonFields, highest, latest, readText } from '#rules';
import type { Field } from '#rules';

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
const ofOrder = (field: Field): Field => ({
  ...field,
  read: (snapshot) => (noticeOf(snapshot.event) === undefined ? field.read(snapshot) : undefined),
});
const ofNotice = (field: Field): Field => ({
  ...field,
  read: (snapshot) => (noticeOf(snapshot.event) === undefined ? undefined : field.read(snapshot)),
});

/** The payment that completed the order lies beside it (razorpay.com/docs/webhooks/orders, order.paid). */
const paymentId: Field = {
  type: 'text',
  rule: 'latest',
  read: (snapshot) => readText(entityBeside(snapshot, 'payment')?.['id']),
};

/**
 * Columns of `payment_orders`. Entity: razorpay.com/docs/api/orders/entity. Amounts are minor units of `currency`.
 * Notices: razorpay.com/docs/api/payments/recurring-payments/webhooks; the row keeps the newest one.
 */
export const orderFields = {
  ...commonFields,
  payment_id: ofOrder(paymentId),
  amount_minor: ofOrder(latest.integer('amount')),
  amount_paid_minor: ofOrder(highest.integer('amount_paid')),
  amount_due_minor: ofOrder(latest.integer('amount_due')),
  currency: ofOrder(latest.text('currency')),
  receipt: ofOrder(latest.text('receipt')),
  offer_id: ofOrder(latest.text('offer_id')),
  attempts: ofOrder(highest.integer('attempts')),
  description: ofOrder(latest.text('description')),
  notes: ofOrder(latest.json('notes')),
  created_at: ofOrder(latest.time('created_at')),
  notification_id: ofNotice(latest.text('id')),
  notification_status: { type: 'text', rule: 'latest', read: ({ event }) => noticeOf(event) },
  notification_token_id: ofNotice(latest.text('token_id')),
  // Null on a failed notice, which takes the place of an earlier one that was delivered.
  notification_delivered_at: ofNotice(clearable.time('delivered_at')),
  notification_payment_after: ofNotice(latest.time('payment_after')),
} as const satisfies Record<string, Field>;
