import type { Family } from './families.ts';
import { keptEvents } from './kept-events.ts';
import type { KeptEventSpec } from './kept-events.ts';
import type { SightedPart } from './sighted-parts.ts';

export interface EventSpec {
  readonly family: Family;
  /** Key of the subject below `payload`; it may contain a dot. Never `contains[0]`: that often names another entity. */
  readonly subject: string;
  /** The subject's field that is the entity id, and so the Kafka key. */
  readonly keyField: string;
  readonly summary: string;
  /**
   * Keys below `payload` of the snapshots that stand beside the
   * subject: each is a sighting of its own entity (docs/adr/0011).
   */
  readonly beside?: readonly SightedPart[];
  /** Of kept events only. */
  readonly links?: KeptEventSpec['links'];
  readonly shape?: KeptEventSpec['shape'];
}

/** A row for an event that has one among the kept is refused here: it would be passed over without a word. */
type NotKept = {
  readonly [Name in keyof typeof keptEvents]?: 'this event is kept: take its row out of kept-events.ts';
};

/**
 * Every Razorpay event that has a rule of its own: one row each. Names and subjects:
 * razorpay.com/docs/webhooks and its pages payments, orders, disputes, refunds, payment-links, invoices,
 * account-validation and partners; the order notifications are on api/payments/recurring-payments/webhooks (its table
 * leaves out the `order.` that its samples have).
 */
const modelledEvents = {
  'payment.authorized': {
    family: 'payments',
    subject: 'payment',
    keyField: 'id',
    summary: 'The bank approved; the money is reserved, not yet yours.',
  },
  'payment.captured': { family: 'payments', subject: 'payment', keyField: 'id', summary: 'The payment is complete.' },
  'payment.failed': {
    family: 'payments',
    subject: 'payment',
    keyField: 'id',
    summary: 'This attempt failed; a late authorisation can still follow.',
  },
  'order.paid': {
    family: 'orders',
    subject: 'order',
    keyField: 'id',
    summary: "The order's amount is covered: fulfil on this.",
    beside: ['payment'],
  },
  'order.notification.delivered': {
    family: 'orders',
    subject: 'notification',
    keyField: 'order_id',
    summary: 'The pre-debit notice of a recurring charge reached the customer.',
  },
  'order.notification.failed': {
    family: 'orders',
    subject: 'notification',
    keyField: 'order_id',
    summary: 'The pre-debit notice of a recurring charge was not delivered.',
  },
  'payment.downtime.started': {
    family: 'downtimes',
    subject: 'payment.downtime',
    keyField: 'id',
    summary: 'A bank, network or method has a downtime.',
  },
  'payment.downtime.updated': {
    family: 'downtimes',
    subject: 'payment.downtime',
    keyField: 'id',
    summary: 'The severity or the instrument of a downtime changed.',
  },
  'payment.downtime.resolved': {
    family: 'downtimes',
    subject: 'payment.downtime',
    keyField: 'id',
    summary: 'A downtime is over.',
  },
  'payment.dispute.created': {
    family: 'disputes',
    subject: 'dispute',
    keyField: 'id',
    summary: 'A customer disputes a payment; a deadline to respond runs.',
    beside: ['payment'],
  },
  'payment.dispute.under_review': {
    family: 'disputes',
    subject: 'dispute',
    keyField: 'id',
    summary: 'Evidence was submitted and is being reviewed.',
    beside: ['payment'],
  },
  'payment.dispute.action_required': {
    family: 'disputes',
    subject: 'dispute',
    keyField: 'id',
    summary: 'More evidence is needed before the deadline.',
    beside: ['payment'],
  },
  'payment.dispute.won': {
    family: 'disputes',
    subject: 'dispute',
    keyField: 'id',
    summary: 'Decided for the merchant.',
    beside: ['payment'],
  },
  'payment.dispute.lost': {
    family: 'disputes',
    subject: 'dispute',
    keyField: 'id',
    summary: 'Decided against the merchant; the amount is deducted.',
    beside: ['payment'],
  },
  'payment.dispute.closed': {
    family: 'disputes',
    subject: 'dispute',
    keyField: 'id',
    summary: 'Closed without a decision (fraud and retrieval phases).',
    beside: ['payment'],
  },
  'refund.created': {
    family: 'refunds',
    subject: 'refund',
    keyField: 'id',
    summary: 'A refund exists; its status may already be further.',
    beside: ['payment'],
  },
  'refund.processed': {
    family: 'refunds',
    subject: 'refund',
    keyField: 'id',
    summary: 'The refund is final on the side of Razorpay.',
    beside: ['payment'],
  },
  'refund.failed': {
    family: 'refunds',
    subject: 'refund',
    keyField: 'id',
    summary: 'The refund did not happen; the money stays with you.',
    beside: ['payment'],
  },
  'refund.speed_changed': {
    family: 'refunds',
    subject: 'refund',
    keyField: 'id',
    summary: 'An instant refund became a normal one.',
    beside: ['payment'],
  },
  'account.instantly_activated': {
    family: 'accounts',
    subject: 'account',
    keyField: 'id',
    summary: 'A sub-merchant may accept payments up to a limit.',
  },
  'account.activated_kyc_pending': {
    family: 'accounts',
    subject: 'account',
    keyField: 'id',
    summary: 'A sub-merchant is activated, its verification is pending.',
  },
  'account.activated': {
    family: 'accounts',
    subject: 'account',
    keyField: 'id',
    summary: 'A sub-merchant is activated.',
  },
  'account.under_review': {
    family: 'accounts',
    subject: 'account',
    keyField: 'id',
    summary: 'The details of a sub-merchant are being reviewed.',
  },
  'account.needs_clarification': {
    family: 'accounts',
    subject: 'account',
    keyField: 'id',
    summary: 'A sub-merchant has to hand in more details.',
  },
  'account.rejected': {
    family: 'accounts',
    subject: 'account',
    keyField: 'id',
    summary: 'A sub-merchant was refused.',
  },
  'account.suspended': {
    family: 'accounts',
    subject: 'account',
    keyField: 'id',
    summary: 'A sub-merchant is suspended: it can take no payments.',
  },
  'account.payments_enabled': {
    family: 'accounts',
    subject: 'account',
    keyField: 'id',
    summary: 'A sub-merchant may take payments.',
  },
  'account.funds_hold': {
    family: 'accounts',
    subject: 'account',
    keyField: 'id',
    summary: 'The settlements of a sub-merchant are held.',
  },
  'account.funds_unhold': {
    family: 'accounts',
    subject: 'account',
    keyField: 'id',
    summary: 'The settlements of a sub-merchant go on.',
  },
  'account.updated': {
    family: 'accounts',
    subject: 'account',
    keyField: 'id',
    summary: 'The details of a linked account changed.',
  },
  'fund_account.validation.completed': {
    family: 'fund_accounts',
    subject: 'fund_account.validation',
    keyField: 'id',
    summary: 'A bank account or VPA was checked.',
  },
  'fund_account.validation.failed': {
    family: 'fund_accounts',
    subject: 'fund_account.validation',
    keyField: 'id',
    summary: 'A bank account or VPA could not be checked.',
  },
  'payment_link.paid': {
    family: 'payment_links',
    subject: 'payment_link',
    keyField: 'id',
    summary: 'A payment link is paid in full.',
    beside: ['payment', 'order'],
  },
  'payment_link.partially_paid': {
    family: 'payment_links',
    subject: 'payment_link',
    keyField: 'id',
    summary: 'A part of a payment link is paid.',
    beside: ['payment', 'order'],
  },
  'payment_link.expired': {
    family: 'payment_links',
    subject: 'payment_link',
    keyField: 'id',
    summary: 'A payment link ran out of time.',
  },
  'payment_link.cancelled': {
    family: 'payment_links',
    subject: 'payment_link',
    keyField: 'id',
    summary: 'A payment link was cancelled.',
  },
  'invoice.paid': {
    family: 'invoices',
    subject: 'invoice',
    keyField: 'id',
    summary: 'An invoice is paid in full.',
    beside: ['payment', 'order'],
  },
  'invoice.partially_paid': {
    family: 'invoices',
    subject: 'invoice',
    keyField: 'id',
    summary: 'A part of an invoice is paid.',
    beside: ['payment', 'order'],
  },
  'invoice.expired': { family: 'invoices', subject: 'invoice', keyField: 'id', summary: 'An invoice ran out of time.' },
} as const satisfies Record<string, EventSpec> & NotKept;

/** Every event that Dakia knows: those with a rule, and those that are kept as they are. */
export const events = { ...modelledEvents, ...keptEvents } as const satisfies Record<string, EventSpec>;

export type EventName = keyof typeof events;
/** The events that have a rule of their own: all but the kept ones. */
export type ModelledEventName = keyof typeof modelledEvents;
/** The events of one family. */
export type EventIn<Wanted extends Family> = {
  [Name in EventName]: (typeof events)[Name]['family'] extends Wanted ? Name : never;
}[EventName];

export const eventNames = Object.keys(events) as readonly EventName[];
export const isEventName = (name: string): name is EventName => Object.hasOwn(events, name);
export const isModelled = (event: EventName): event is ModelledEventName => events[event].family !== 'kept';
export const eventSpec = (event: EventName): EventSpec => events[event];
export const eventsOf = (family: Family): readonly EventName[] =>
  eventNames.filter((event) => events[event].family === family);
