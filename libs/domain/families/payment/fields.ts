import { clearable, commonFields, ever, highest, latest } from '#rules';
import type { Field } from '#rules';

/**
 * Lowest rank first (razorpay.com/docs/payments/payments, "payment states"). `failed` stands below `authorized`, because a
 * payment that failed can still be authorised late, up to 3 days after (docs/payments/late-authorisation), and below
 * `captured`, because a customer who tries again in a UPI app succeeds under the same payment id (docs/webhooks/payments).
 */
export const paymentStatuses = ['created', 'failed', 'authorized', 'captured', 'refunded'] as const;
export type PaymentStatus = (typeof paymentStatuses)[number];

/** Columns of `payment_transactions`. Entity: razorpay.com/docs/api/payments/entity. Amounts are minor units of `currency`. */
export const paymentFields = {
  ...commonFields,
  order_id: latest.text('order_id'),
  invoice_id: latest.text('invoice_id'),
  amount_minor: latest.integer('amount'),
  currency: latest.text('currency'),
  method: latest.text('method'),
  captured: ever.flag('captured'),
  late_authorized: ever.flag('late_authorized'),
  amount_refunded_minor: highest.integer('amount_refunded'),
  refund_status: latest.text('refund_status'),
  fee_minor: latest.integer('fee'),
  tax_minor: latest.integer('tax'),
  international: latest.flag('international'),
  description: latest.text('description'),
  card_id: latest.text('card_id'),
  card_network: latest.text('card', 'network'),
  card_last4: latest.text('card', 'last4'),
  bank: latest.text('bank'),
  wallet: latest.text('wallet'),
  vpa: latest.text('vpa'),
  email: latest.text('email'),
  contact: latest.text('contact'),
  customer_id: latest.text('customer_id'),
  token_id: latest.text('token_id'),
  // A later success clears what the failed attempt said.
  error_code: clearable.text('error_code'),
  error_description: clearable.text('error_description'),
  error_source: clearable.text('error_source'),
  error_step: clearable.text('error_step'),
  error_reason: clearable.text('error_reason'),
  acquirer_data: latest.json('acquirer_data'),
  notes: latest.json('notes'),
  created_at: latest.time('created_at'),
} as const satisfies Record<string, Field>;
