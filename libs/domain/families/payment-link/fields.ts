import { entityBeside } from '#catalogue';
import { column, commonFields, highest, latest, personal, readPast, readText, searched, UNKNOWN } from '#rules';
import type { Field, Reading, Snapshot } from '#rules';
import { currency, notes, paymentIdBeside } from '../columns.ts';

/**
 * Lowest rank first (razorpay.com/docs/payments/payment-links/states; UPI links have no `partially_paid`). The ends:
 * - `expired` above `partially_paid`: a link runs out whatever was paid so far.
 * - `cancelled` above `expired`: only an open link can be cancelled,
 *   so the two exclude each other; should both come, the
 *   merchant's own act explains the end better than the clock's.
 * - `paid` above all: money wins. A payment that was under way when
 *   the link ended still arrives (docs/payments/late-authorisation),
 *   and a paid link is never cancelled.
 */
export const paymentLinkStatuses = ['created', 'partially_paid', 'expired', 'cancelled', 'paid'] as const;
export type PaymentLinkStatus = (typeof paymentLinkStatuses)[number];
export const paymentLinkEnds = ['expired', 'cancelled', 'paid'] as const satisfies readonly PaymentLinkStatus[];

/** The link's own `updated_at`, epoch milliseconds. */
export const linkChangedAt = (snapshot: Snapshot): number =>
  readPast(snapshot.subject['updated_at'], snapshot) ?? UNKNOWN;

const ORDER_PREFIX = 'order_';

/**
 * The order beside the link is an internal form in some bodies: its id has no prefix, and it has no `entity`
 * (docs/reference/razorpay.md "Entities").
 */
const besideOrderId = (snapshot: Snapshot): string | undefined => {
  const id = readText(entityBeside(snapshot, 'order')?.['id']);
  return id === undefined || id.startsWith(ORDER_PREFIX) ? id : `${ORDER_PREFIX}${id}`;
};

/** The link's order: its own field, else the payment's, else the order beside it. */
const orderId: Reading = {
  type: 'text',
  rule: 'latest',
  read: (snapshot) =>
    readText(snapshot.subject['order_id']) ??
    readText(entityBeside(snapshot, 'payment')?.['order_id']) ??
    besideOrderId(snapshot),
};

/**
 * The envelope's time is the creation of the link in every payment_link event (docs/reference/razorpay.md "Times"), so
 * the event's time is the latest that its snapshot knows of.
 */
const lastEventAt: Field = {
  ...commonFields.last_event_at,
  read: (snapshot) => {
    const { subject, occurredAt } = snapshot;
    const known = [subject['updated_at'], subject['expired_at'], subject['cancelled_at']].map((time) =>
      readPast(time, snapshot),
    );
    const times = [occurredAt ?? undefined, ...known].filter((time) => time !== undefined);
    return times.length === 0 ? null : Math.max(...times);
  },
};

/**
 * Columns of `payment_link_events`. Entity: razorpay.com/docs/api/payments/payment-links/entity; unset times are 0
 * there, which reads as unknown. Amounts are minor units of `currency`.
 */
export const paymentLinkFields = {
  ...commonFields,
  last_event_at: lastEventAt,
  order_id: column('Order behind the link.', orderId),
  payment_id: column('Newest payment through the link.', paymentIdBeside),
  reference_id: searched('text', column("Merchant's own number of the link.", latest.text('reference_id'))),
  amount_minor: column('Amount to be paid.', latest.integer('amount')),
  amount_paid_minor: column('How much of it is paid.', highest.integer('amount_paid')),
  currency,
  accept_partial: column('Whether it may be paid in parts.', latest.flag('accept_partial')),
  first_min_partial_minor: column('Least amount of the first part.', latest.integer('first_min_partial_amount')),
  upi_link: column('Whether it is a UPI link.', latest.flag('upi_link')),
  description: personal('Text that the merchant gave the link.', latest.text('description')),
  customer_id: column('Customer, as Razorpay names it.', latest.text('customer', 'id')),
  customer_name: personal('Name of the customer.', latest.text('customer', 'name')),
  customer_email: searched('email', personal('E-mail address of the customer.', latest.text('customer', 'email'))),
  customer_contact: searched('phone', personal('Phone number of the customer.', latest.text('customer', 'contact'))),
  short_url: column('Address of the link.', latest.text('short_url')),
  user_id: column('User of the dashboard who made it.', latest.text('user_id')),
  notes,
  expire_by: column('When it runs out if it is not paid.', latest.time('expire_by')),
  expired_at: column('When it ran out.', latest.past('expired_at')),
  cancelled_at: column('When it was cancelled.', latest.past('cancelled_at')),
  created_at: column('When the link was made.', latest.past('created_at')),
  /** Razorpay's own `updated_at`; the table's is that of the row. */
  changed_at: column("Razorpay's own time of the last change.", highest.past('updated_at')),
} as const satisfies Record<string, Field>;
