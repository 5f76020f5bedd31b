import type { Family } from './families.ts';

export interface FactSpec {
  readonly family: Family;
  /** What became true, in one sentence for a person. */
  readonly summary: string;
  /** No row shows it alone: it is told by what several rows show together (across-rows.ts). */
  readonly isAcross?: true;
}

/**
 * Every kind of fact that the lifecycles tell: one row each. A test holds this list equal to what they can tell, so
 * that a rule of notifications can be checked before any fact occurs.
 */
const facts = {
  'payment.failed': { family: 'payments', summary: 'A payment attempt failed.' },
  'payment.authorized': { family: 'payments', summary: 'The bank approved a payment; it is not captured yet.' },
  'payment.captured': { family: 'payments', summary: 'A payment is complete.' },
  'payment.refunded': { family: 'payments', summary: 'A payment was refunded.' },
  'payment.late_authorized': {
    family: 'payments',
    summary: 'A payment was authorised after it had failed: capture it, or Razorpay refunds it.',
  },
  'payment.over_refunded': { family: 'payments', summary: 'More of a payment went back than was paid.' },
  'payment.amount_mismatch': {
    family: 'payments',
    summary: 'A captured payment is not of the amount of its order: do not fulfil before it is clear why.',
    isAcross: true,
  },
  'payment.captured_again': {
    family: 'payments',
    summary: 'A further payment of one order was captured, and nobody tells what the order is worth.',
    isAcross: true,
  },
  'payment.contradicted': {
    family: 'payments',
    summary: 'Two things that cannot both be true were told of a payment: look at it in the Razorpay Dashboard.',
  },
  'order.created': { family: 'orders', summary: 'An order became known.' },
  'order.paid': { family: 'orders', summary: 'An order is paid.' },
  'order.captured_twice': {
    family: 'orders',
    summary: 'More was captured on an order, or on its receipt, than it is worth: refund what is too much.',
    isAcross: true,
  },
  'order.notification_delivered': {
    family: 'orders',
    summary: 'The pre-debit notice of a recurring charge reached the customer.',
  },
  'order.notification_failed': {
    family: 'orders',
    summary: 'The pre-debit notice of a recurring charge was not delivered.',
  },
  'downtime.started': { family: 'downtimes', summary: 'A bank, network or method has a downtime.' },
  'downtime.updated': { family: 'downtimes', summary: 'A downtime changed its severity or its instrument.' },
  'downtime.resolved': { family: 'downtimes', summary: 'A downtime is over.' },
  'downtime.escalated': { family: 'downtimes', summary: 'A downtime became worse.' },
  'downtime.cancelled': { family: 'downtimes', summary: 'A downtime was called off.' },
  'downtime.contradicted': { family: 'downtimes', summary: 'A downtime was told to be resolved and called off.' },
  'dispute.opened': { family: 'disputes', summary: 'A payment is disputed.' },
  'dispute.under_review': { family: 'disputes', summary: 'The evidence in a dispute is being reviewed.' },
  'dispute.action_required': { family: 'disputes', summary: 'A dispute needs more evidence.' },
  'dispute.won': { family: 'disputes', summary: 'A dispute was decided for the merchant.' },
  'dispute.lost': { family: 'disputes', summary: 'A dispute was decided against the merchant.' },
  'dispute.closed': { family: 'disputes', summary: 'A dispute was closed without a decision.' },
  'dispute.reopened': { family: 'disputes', summary: 'A dispute that had ended goes on in a later phase.' },
  'dispute.deadline_changed': { family: 'disputes', summary: 'The deadline to respond to a dispute was moved.' },
  'dispute.contradicted': {
    family: 'disputes',
    summary: 'Two different ends were told of a dispute: look at it in the Razorpay Dashboard.',
  },
  'refund.pending': { family: 'refunds', summary: 'A refund is under way.' },
  'refund.processed': { family: 'refunds', summary: 'A refund is done.' },
  'refund.failed': { family: 'refunds', summary: 'A refund failed; the money was not returned.' },
  'refund.speed_changed': { family: 'refunds', summary: 'An instant refund became a normal one, which takes days.' },
  'refund.contradicted': {
    family: 'refunds',
    summary: 'A refund was told to be processed and to have failed: check whether the money went back.',
  },
  'account.instantly_activated': { family: 'accounts', summary: 'A sub-merchant may accept payments up to a limit.' },
  'account.activated_kyc_pending': {
    family: 'accounts',
    summary: 'A sub-merchant is activated; its verification is pending.',
  },
  'account.activated': { family: 'accounts', summary: 'A sub-merchant is activated.' },
  'account.under_review': { family: 'accounts', summary: 'The details of a sub-merchant are being reviewed.' },
  'account.needs_clarification': { family: 'accounts', summary: 'A sub-merchant has to hand in more details.' },
  'account.verification_failed': {
    family: 'accounts',
    summary: 'The bank account of a linked account could not be verified.',
  },
  'account.rejected': { family: 'accounts', summary: 'A sub-merchant was refused.' },
  'account.suspended': { family: 'accounts', summary: 'A sub-merchant is suspended: it can take no payments.' },
  'account.unsuspended': { family: 'accounts', summary: 'The suspension of a sub-merchant is over.' },
  'account.payments_enabled': { family: 'accounts', summary: 'A sub-merchant may take payments.' },
  'account.funds_held': { family: 'accounts', summary: 'The settlements of a sub-merchant are held.' },
  'account.funds_released': { family: 'accounts', summary: 'The settlements of a sub-merchant go on.' },
  'account.updated': { family: 'accounts', summary: 'The details of a linked account changed.' },
  'account.contradicted': {
    family: 'accounts',
    summary:
      'An event said one thing of a sub-merchant and its snapshot another: look at it in the Razorpay Dashboard.',
  },
  'fund_account.validation.completed': { family: 'fund_accounts', summary: 'A bank account or VPA was checked.' },
  'fund_account.validation.failed': { family: 'fund_accounts', summary: 'A bank account or VPA could not be checked.' },
  'fund_account.validation.invalid': {
    family: 'fund_accounts',
    summary: 'A bank account or VPA is not valid: do not pay it.',
  },
  'fund_account.validation.contradicted': {
    family: 'fund_accounts',
    summary: 'A check of a bank account or VPA was told to be completed and to have failed: do not rely on it.',
  },
  'payment_link.paid': { family: 'payment_links', summary: 'A payment link is paid in full.' },
  'payment_link.partially_paid': { family: 'payment_links', summary: 'A part of a payment link is paid.' },
  'payment_link.expired': { family: 'payment_links', summary: 'A payment link ran out of time.' },
  'payment_link.cancelled': { family: 'payment_links', summary: 'A payment link was cancelled.' },
  'payment_link.contradicted': {
    family: 'payment_links',
    summary: 'Two different ends were told of a payment link: look at it in the Razorpay Dashboard.',
  },
  'invoice.paid': { family: 'invoices', summary: 'An invoice is paid in full.' },
  'invoice.partially_paid': { family: 'invoices', summary: 'A part of an invoice is paid.' },
  'invoice.expired': { family: 'invoices', summary: 'An invoice ran out of time.' },
  'invoice.contradicted': {
    family: 'invoices',
    summary: 'Two different ends were told of an invoice: look at it in the Razorpay Dashboard.',
  },
  'invoice.cancelled': { family: 'invoices', summary: 'An invoice was cancelled.' },
  'invoice.deleted': { family: 'invoices', summary: 'An invoice was deleted.' },
  'event.kept': { family: 'kept', summary: 'An event came that is kept as it is; its name is in the column `event`.' },
} as const satisfies Record<string, FactSpec>;

export type FactKind = keyof typeof facts;
export const factKinds = Object.keys(facts) as readonly FactKind[];
export const isFactKind = (name: string): name is FactKind => Object.hasOwn(facts, name);
export const factSpec = (kind: FactKind): FactSpec => facts[kind];
