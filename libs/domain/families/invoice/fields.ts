import { entityBeside } from '#catalogue';
import { column, commonFields, highest, latest, lowest, personal, readText, searched } from '#rules';
import type { Field, Reading } from '#rules';
import { currency, notes, paymentIdBeside } from '../columns.ts';

/**
 * Lowest rank first (razorpay.com/docs/payments/invoices, "invoice states": draft,
 * issued, partially paid, paid as the final state; only an issued invoice is cancelled,
 * only a draft is deleted). The ends exclude each other there. Should several come:
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
export const invoiceEnds = ['expired', 'cancelled', 'deleted', 'paid'] as const satisfies readonly InvoiceStatus[];

/** The invoice's order: its own field, else that of the payment beside it, else the order beside it. */
const orderId: Reading = {
  type: 'text',
  rule: 'latest',
  read: (snapshot) =>
    readText(snapshot.subject['order_id']) ??
    readText(entityBeside(snapshot, 'payment')?.['order_id']) ??
    readText(entityBeside(snapshot, 'order')?.['id']),
};

/**
 * Columns of `invoice_events`. Entity: razorpay.com/docs/api/payments/invoices/entity. Amounts are minor units of
 * `currency`. The invoice's own `payment_id` stays the first payment while partial payments go on (samples of
 * invoice.partially_paid on razorpay.com/docs/webhooks/invoices), so the newest one has a column of its own.
 */
export const invoiceFields = {
  ...commonFields,
  order_id: column('Order behind the invoice.', orderId),
  payment_id: column("The invoice's own payment: the first one.", latest.text('payment_id')),
  last_payment_id: column('Newest payment of the invoice.', paymentIdBeside),
  subscription_id: column('Subscription that it bills.', latest.text('subscription_id')),
  receipt: searched('text', column("Merchant's own number of the invoice.", latest.text('receipt'))),
  invoice_number: searched('text', column('Number that is printed on it.', latest.text('invoice_number'))),
  type: column('Kind of the document: invoice, link or ecod.', latest.text('type')),
  customer_id: column('Customer, as Razorpay names it.', latest.text('customer_id')),
  customer_name: personal('Name of the customer.', latest.text('customer_details', 'name')),
  customer_email: searched(
    'email',
    personal('E-mail address of the customer.', latest.text('customer_details', 'email')),
  ),
  customer_contact: searched(
    'phone',
    personal('Phone number of the customer.', latest.text('customer_details', 'contact')),
  ),
  gross_amount_minor: column('Sum of its lines before tax.', latest.integer('gross_amount')),
  tax_amount_minor: column('Tax in it.', latest.integer('tax_amount')),
  taxable_amount_minor: column('Amount that the tax is reckoned on.', latest.integer('taxable_amount')),
  amount_minor: column('Amount to be paid.', latest.integer('amount')),
  amount_paid_minor: column('How much of it is paid.', highest.integer('amount_paid')),
  // The amount is fixed once the invoice is issued, so what is due only shrinks; it must agree with what is paid.
  amount_due_minor: column('How much of it is still to be paid.', lowest.integer('amount_due')),
  currency,
  partial_payment: column('Whether it may be paid in parts.', latest.flag('partial_payment')),
  description: personal('Text that the merchant gave the invoice.', latest.text('description')),
  short_url: column('Address at which it is paid.', latest.text('short_url')),
  notes,
  expire_by: column('When it runs out if it is not paid.', latest.time('expire_by')),
  issued_at: column('When it was issued.', latest.past('issued_at')),
  paid_at: column('When it was paid in full.', latest.past('paid_at')),
  expired_at: column('When it ran out.', latest.past('expired_at')),
  cancelled_at: column('When it was cancelled.', latest.past('cancelled_at')),
  billing_start: column('Begin of the time that it bills.', latest.time('billing_start')),
  billing_end: column('End of the time that it bills.', latest.time('billing_end')),
  created_at: column('When the invoice was made.', latest.past('created_at')),
} as const satisfies Record<string, Field>;
