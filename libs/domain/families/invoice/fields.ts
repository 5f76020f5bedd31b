import { entityBeside } from '#catalogue';
import { commonFields, highest, latest, readInteger, readText, UNKNOWN } from '#rules';
import type { Field, Snapshot } from '#rules';

/**
 * Lowest rank first (razorpay.com/docs/payments/invoices, "invoice states": draft, issued, partially paid, paid as the final
 * state; only an issued invoice is cancelled, only a draft is deleted). The ends exclude each other there. Should several come:
 * - `expired` above `partially_paid`: an invoice runs out whatever was paid so far.
 * - `cancelled` and `deleted` above `expired`: the merchant's own act explains the end better than the clock's, and the
 *   stronger act wins.
 * - `paid` above all: money wins, also when it was under way as the invoice ended (docs/payments/late-authorisation).
 */
export const invoiceStatuses = [
  'draft',
  'issued',
  'partially_paid',
  'expired',
  'cancelled',
  'deleted',
  'paid',
] as const;
export type InvoiceStatus = (typeof invoiceStatuses)[number];

/** The amount paid so far, minor units; what decides between snapshots of equal status. An invoice has no `updated_at`. */
export const amountPaid = ({ subject }: Snapshot): number => readInteger(subject['amount_paid']) ?? UNKNOWN;

/** The invoice's order: its own field, else that of the payment beside it, else the order beside it. */
const orderId: Field = {
  type: 'text',
  rule: 'latest',
  read: (snapshot) =>
    readText(snapshot.subject['order_id']) ??
    readText(entityBeside(snapshot, 'payment')?.['order_id']) ??
    readText(entityBeside(snapshot, 'order')?.['id']),
};

/** The payment that the event is about, beside the invoice. */
const lastPaymentId: Field = {
  type: 'text',
  rule: 'latest',
  read: (snapshot) => readText(entityBeside(snapshot, 'payment')?.['id']),
};

/**
 * Columns of `invoice_events`. Entity: razorpay.com/docs/api/payments/invoices/entity. Amounts are minor units of `currency`.
 * The invoice's own `payment_id` stays the first payment while partial payments go on (samples of invoice.partially_paid on
 * razorpay.com/docs/webhooks/invoices), so the newest one has a column of its own.
 */
export const invoiceFields = {
  ...commonFields,
  order_id: orderId,
  payment_id: latest.text('payment_id'),
  last_payment_id: lastPaymentId,
  subscription_id: latest.text('subscription_id'),
  receipt: latest.text('receipt'),
  invoice_number: latest.text('invoice_number'),
  type: latest.text('type'),
  customer_id: latest.text('customer_id'),
  customer_name: latest.text('customer_details', 'name'),
  customer_email: latest.text('customer_details', 'email'),
  customer_contact: latest.text('customer_details', 'contact'),
  gross_amount_minor: latest.integer('gross_amount'),
  tax_amount_minor: latest.integer('tax_amount'),
  taxable_amount_minor: latest.integer('taxable_amount'),
  amount_minor: latest.integer('amount'),
  amount_paid_minor: highest.integer('amount_paid'),
  // The amount is fixed once the invoice is issued, so what is due only shrinks; it must agree with what is paid.
  amount_due_minor: { ...latest.integer('amount_due'), rule: 'lowest' },
  currency: latest.text('currency'),
  partial_payment: latest.flag('partial_payment'),
  description: latest.text('description'),
  short_url: latest.text('short_url'),
  notes: latest.json('notes'),
  expire_by: latest.time('expire_by'),
  issued_at: latest.time('issued_at'),
  paid_at: latest.time('paid_at'),
  expired_at: latest.time('expired_at'),
  cancelled_at: latest.time('cancelled_at'),
  billing_start: latest.time('billing_start'),
  billing_end: latest.time('billing_end'),
  created_at: latest.time('created_at'),
} as const satisfies Record<string, Field>;
