import { eventSpec, isModelled } from '#catalogue';
import type { EventName, ModelledEventName } from '#catalogue';
import { instant } from '#rules';
import type { Instant } from '#rules';
import { randomOf } from '../random.ts';
import type { Random } from '../random.ts';
import { simulatedEvent } from '../simulated-event.ts';
import type { SimulatedEvent } from '../simulated-event.ts';
import type { Json, Parts } from '../wire.ts';
import {
  inStep,
  instantlyActivated,
  kycPending,
  linkedAccount,
  newAccount,
  newValidation,
  suspended,
  validationCompleted,
  validationFailed,
  withFunds,
} from './accounts.ts';
import type { Account } from './accounts.ts';
import { closed, lost, newDispute, reopened, underReview, won } from './disputes.ts';
import type { Dispute } from './disputes.ts';
import { invoiceAfter, invoiceExpired, newInvoice } from './invoices.ts';
import { keptParts } from './kept.ts';
import { linkAfter, linkCancelled, linkExpired, newPaymentLink } from './links.ts';
import * as pay from './payments.ts';
import { newRefund, refundFailed, refundProcessed, speedChanged } from './refunds.ts';
import type { Refund, Speed } from './refunds.ts';
import { withFields } from './with-fields.ts';
import type { FieldValue } from './with-fields.ts';

/** One body of each event, complete in its fields. `at` is in epoch seconds. */
interface Built {
  readonly parts: Parts;
  readonly beside?: Parts;
}
type Builder = (random: Random, at: number) => Built;

const payment =
  (become: (payment: pay.Payment) => pay.Payment): Builder =>
  (random, at) => ({ parts: { payment: become(pay.newPayment(random, { at, order: pay.newOrder(random, { at }) })) } });

const notification =
  (become: (notification: pay.Notification, at: number) => pay.Notification): Builder =>
  (random, at) => ({
    parts: { notification: become(pay.newNotification(random, { at, orderId: random.id('order_') }), at) },
  });

const downtime =
  (become: (downtime: pay.Downtime, at: number) => pay.Downtime): Builder =>
  (random, at) => ({ parts: { 'payment.downtime': become(pay.newDowntime(random, { at }), at) } });

const account =
  (become: (account: Account, at: number) => Account): Builder =>
  (random, at) => ({ parts: { account: become(newAccount(random, { at }), at) } });

const dispute =
  (become: (dispute: Dispute, random: Random, at: number) => Dispute): Builder =>
  (random, at) => {
    const paid = pay.captured(pay.newPayment(random, { at }));
    return { parts: { payment: paid, dispute: become(newDispute(random, { at, payment: paid }), random, at) } };
  };

const refund =
  (become: (refund: Refund, random: Random) => Refund, speed: Speed = 'normal'): Builder =>
  (random, at) => {
    const paid = pay.captured(pay.newPayment(random, { at }));
    const made = become(newRefund(random, { at, payment: paid, speed }), random);
    return { parts: { refund: made, payment: pay.rich(pay.refunded(paid, made.amount)) } };
  };

/** A link or invoice of which `share` (0 to 1) is paid by one payment. */
const paidLink =
  (share: number): Builder =>
  (random, at) => {
    const link = newPaymentLink(random, { at, partial: share < 1 });
    const order = { ...pay.newOrder(random, { at, amount: link.amount }), id: link.order_id };
    const amount = Math.ceil(link.amount * share);
    const paid = pay.captured(
      pay.newPayment(random, { at, order, amount, description: `#${link.id.slice('plink_'.length)}` }),
    );
    return {
      parts: {
        payment_link: linkAfter(link, amount, at),
        order: pay.orderAfter(order, amount, 1),
        payment: pay.rich(paid),
      },
    };
  };
const paidInvoice =
  (share: number): Builder =>
  (random, at) => {
    const order = pay.newOrder(random, { at });
    const invoice = newInvoice(random, { at, order, partial: share < 1 });
    const amount = Math.ceil(invoice.amount * share);
    const paid = pay.captured(
      pay.newPayment(random, { at, order, amount, invoiceId: invoice.id, description: `Invoice #${invoice.id}` }),
    );
    return {
      parts: {
        payment: paid,
        order: pay.orderAfter(order, amount, 1),
        invoice: invoiceAfter(invoice, amount, paid.id, at),
      },
    };
  };

/** A missing event does not compile. */
const builders: { readonly [Name in ModelledEventName]: Builder } = {
  'payment.authorized': payment(pay.authorized),
  'payment.captured': payment(pay.captured),
  'payment.failed': payment(pay.failed),
  'order.paid': (random, at) => {
    const order = pay.newOrder(random, { at });
    return {
      parts: {
        payment: pay.captured(pay.newPayment(random, { at, order })),
        order: pay.orderAfter(order, order.amount, 1),
      },
    };
  },
  'order.notification.delivered': notification(pay.notificationDelivered),
  'order.notification.failed': notification(pay.notificationFailed),
  'payment.downtime.started': downtime((started) => started),
  'payment.downtime.updated': downtime((started, at) => pay.downtimeUpdated(started, 'low', at)),
  'payment.downtime.resolved': downtime(pay.downtimeResolved),
  'payment.dispute.created': dispute((open) => open),
  'payment.dispute.under_review': dispute(underReview),
  'payment.dispute.action_required': (random, at) => {
    const paid = pay.captured(pay.newPayment(random, { at }));
    return actionRequired(paid, reopened(underReview(newDispute(random, { at, payment: paid }), random, at), at));
  },
  'payment.dispute.won': dispute(won),
  'payment.dispute.lost': dispute(lost),
  'payment.dispute.closed': dispute(closed),
  'refund.created': refund((pending) => pending),
  'refund.processed': refund(refundProcessed),
  'refund.failed': refund(refundFailed),
  'refund.speed_changed': refund(speedChanged, 'optimum'),
  'account.instantly_activated': account(instantlyActivated),
  'account.activated_kyc_pending': account(kycPending),
  'account.activated': account((one, at) => inStep(kycPending(one, at), at, 'activated')),
  'account.under_review': account((one, at) => inStep(kycPending(one, at), at, 'under_review')),
  'account.needs_clarification': account((one, at) => inStep(kycPending(one, at), at, 'needs_clarification')),
  'account.rejected': account((one, at) => inStep(one, at, 'rejected')),
  'account.suspended': account((one, at) => suspended(kycPending(one, at), at)),
  'account.payments_enabled': account(instantlyActivated),
  'account.funds_hold': account((one, at) => withFunds(kycPending(one, at), at, true)),
  'account.funds_unhold': account((one, at) => withFunds(kycPending(one, at), at, false)),
  'account.updated': (random, at) => ({ parts: linkedAccount(random, { at, isVerified: true }) }),
  'fund_account.validation.completed': (random, at) => ({
    parts: { 'fund_account.validation': validationCompleted(newValidation(random, { at }), random, 'Asha Rao') },
  }),
  'fund_account.validation.failed': (random, at) => ({
    parts: { 'fund_account.validation': validationFailed(newValidation(random, { at })) },
  }),
  'payment_link.paid': paidLink(1),
  'payment_link.partially_paid': paidLink(0.3),
  'payment_link.expired': (random, at) => ({
    parts: { payment_link: linkExpired(newPaymentLink(random, { at }), at) },
  }),
  'payment_link.cancelled': (random, at) => ({
    parts: { payment_link: linkCancelled(newPaymentLink(random, { at }), at) },
  }),
  'invoice.paid': paidInvoice(1),
  'invoice.partially_paid': paidInvoice(0.3),
  'invoice.expired': (random, at) => ({
    parts: { invoice: invoiceExpired(newInvoice(random, { at, order: pay.newOrder(random, { at }) }), at) },
  }),
};

/**
 * The published payment.dispute.action_required has its evidence beside `.entity`, all others inside
 * (docs/reference/razorpay.md "Entities").
 */
export const actionRequired = (paid: pay.Payment, { evidence, ...open }: Dispute): Required<Built> => ({
  parts: { payment: paid, dispute: open },
  beside: { dispute: { evidence } },
});

export interface BuildOptions {
  /** Equal seeds and options give equal bytes. */
  readonly seed?: string;
  /** When it happened; whole seconds are sent. */
  readonly at?: Instant;
  /** With `acc_`. */
  readonly accountId?: string;
  readonly eventId?: string;
  /** Fields of the subject to set instead of the usual ones: `{ id: 'pay_…', amount: 500 }`. */
  readonly subject?: Json;
  /** Single fields to set, see `withFields`. */
  readonly fields?: readonly FieldValue[];
}

/** 1 June 2026, 00:00 UTC: the time of events that are built without one. */
const FIXED_TIME = instant(1_780_272_000_000);

/** One event with a complete, valid body: the simulator's material and every test's fixture. */
export const buildEvent = (event: EventName, options: BuildOptions = {}): SimulatedEvent => {
  const random = randomOf(`${options.seed ?? 'fixture'}/${event}`);
  const at = Math.floor((options.at ?? FIXED_TIME) / 1000);
  const id = random.id('');
  const accountId = random.id('acc_');
  const { parts, beside }: Built = isModelled(event)
    ? builders[event](random, at)
    : { parts: keptParts(event, random, at) };
  const { subject, family } = eventSpec(event);
  const changed = withFields(
    { ...parts, [subject]: { ...parts[subject], ...options.subject } },
    subject,
    options.fields ?? [],
  );
  const ownId = changed[subject]?.['id'];
  const ownAccount =
    family === 'accounts' && typeof ownId === 'string' ? `acc_${ownId.replace(/^acc_/, '')}` : accountId;
  return simulatedEvent(options.eventId ?? id, at, {
    event,
    accountId: options.accountId ?? ownAccount,
    createdAt: at,
    parts: changed,
    ...(beside !== undefined && { beside }),
  });
};
