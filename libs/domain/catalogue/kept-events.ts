import type { SightedPart } from './sighted-parts.ts';

/**
 * Where other entities are named that an event has to do with: paths below `payload`, without the `.entity` between.
 */
export interface KeptLinks {
  readonly payment?: string;
  readonly order?: string;
  readonly customer?: string;
  /** What people search for at a bank or in their own books: a UTR, a reference id, a plan. */
  readonly reference?: string;
}

/** The row of an event that is kept: stored as it is, with what it is linked to, and told; nothing is made of it. */
export interface KeptEventSpec {
  readonly family: 'kept';
  readonly subject: string;
  readonly keyField: string;
  readonly summary: string;
  /** Snapshots of modelled entities beside the subject, as in `EventSpec`. */
  readonly beside?: readonly SightedPart[];
  /** Left out: the subject's own `payment_id`, `order_id`, `customer_id` and `reference_id` are all there is. */
  readonly links?: KeptLinks;
  /**
   * Where the subject is not the usual `payload.<subject>`. `account`: the event is about
   * the account that the envelope names, and the key is that account and the subject.
   * `unpublished`: no body of it is published, so the first entity with an id will do.
   */
  readonly shape?: 'account' | 'unpublished';
}

const kept = (
  subject: string,
  summary: string,
  more: Pick<KeptEventSpec, 'beside' | 'links' | 'shape'> = {},
): KeptEventSpec => ({
  family: 'kept',
  subject,
  keyField: 'id',
  summary,
  ...more,
});

/** A payment beside the subject is a sighting of its own entity (docs/adr/0011). */
const BESIDE = { beside: ['payment'] } as const;
const SUBSCRIPTION = {
  links: { payment: 'payment.id', order: 'payment.order_id', reference: 'subscription.plan_id' },
  ...BESIDE,
};
const PAYOUT = { links: { reference: 'payout.utr' } };
const TRANSFER = { links: { payment: 'transfer.source', order: 'transfer.source' } };
const CREDITED = { links: { payment: 'payment.id', order: 'payment.order_id' }, ...BESIDE };
const TOKEN = { links: { payment: 'payment.id', order: 'payment.order_id' }, ...BESIDE };
const ACCOUNT = { shape: 'account' } as const;
const UNPUBLISHED = { shape: 'unpublished' } as const;

/**
 * Every Razorpay event that is kept and not modelled: one row each, which is all that a kept event needs. Names and
 * subjects: razorpay.com/docs/webhooks (all, settlements, route, smart-collect, qr-codes, subscriptions, payouts,
 * payout-links, transactions, partners), docs/payments/magic-checkout/web and
 * docs/api/payments/recurring-payments/webhooks. Where its pages spell a name in two ways, both are here.
 */
export const keptEvents = {
  'settlement.processed': kept('settlement', 'A settlement is on its way to the bank.', {
    links: { reference: 'settlement.utr' },
  }),
  'payment.pending': kept('payment', 'A payment on delivery waits to be collected.'),
  // The table of the recurring payments' page leaves out the `order.` that its samples have.
  'notification.delivered': kept('notification', 'The pre-debit notice of a recurring charge reached the customer.'),
  'notification.failed': kept('notification', 'The pre-debit notice of a recurring charge was not delivered.'),
  'order.created': kept('order', 'An order was created by Magic Checkout.', UNPUBLISHED),
  'order.placed': kept('order', 'An order was placed in Magic Checkout.', UNPUBLISHED),
  'order.expired': kept('order', 'An order of Magic Checkout ran out of time.', UNPUBLISHED),
  'fulfillment.to_be_shipped': kept('fulfillment', 'An order is to be shipped.', UNPUBLISHED),
  'fulfillment.ready_to_ship': kept('fulfillment', 'An order is ready to be shipped.', UNPUBLISHED),
  'fulfillment.in_transit': kept('fulfillment', 'An order is on its way.', UNPUBLISHED),
  'fulfillment.rto': kept('fulfillment', 'An order is returned to its origin.', UNPUBLISHED),
  'fulfillment.delivered': kept('fulfillment', 'An order was delivered.', UNPUBLISHED),
  'fulfillment.customer_refunded': kept('fulfillment', 'The customer of an order got the money back.', UNPUBLISHED),
  'account.instant_activation_gmv_limit_warning': kept(
    'gmv_limit',
    'A sub-merchant comes near its limit, or has passed it.',
    ACCOUNT,
  ),
  'account.no_doc_onboarding_gmv_limit_warning': kept(
    'gmv_limit',
    'A sub-merchant without documents comes near its limit, or has passed it.',
    ACCOUNT,
  ),
  'account.app.authorization_revoked': kept(
    'authorization',
    'A sub-merchant took back the access that it gave to an app.',
    ACCOUNT,
  ),
  'banking_accounts.issued': kept('accounts', 'An account of RazorpayX was opened.', ACCOUNT),
  'product.payment_gateway.activated': kept('merchant_product', 'The payment gateway of a sub-merchant may be used.'),
  'product.payment_gateway.activated_kyc_pending': kept(
    'merchant_product',
    'The payment gateway of a sub-merchant may be used while its verification is pending.',
  ),
  'product.payment_gateway.instantly_activated': kept(
    'merchant_product',
    'The payment gateway of a sub-merchant may be used up to a limit.',
  ),
  'product.payment_gateway.needs_clarification': kept(
    'merchant_product',
    'The payment gateway of a sub-merchant needs more details.',
  ),
  'product.payment_gateway.rejected': kept('merchant_product', 'The payment gateway of a sub-merchant was refused.'),
  'product.payment_gateway.under_review': kept(
    'merchant_product',
    'The payment gateway of a sub-merchant is being reviewed.',
  ),
  'product.payment_links.activated': kept('merchant_product', 'The payment links of a sub-merchant may be used.'),
  'product.payment_links.activated_kyc_pending': kept(
    'merchant_product',
    'The payment links of a sub-merchant may be used while their verification is pending.',
  ),
  'product.payment_links.needs_clarification': kept(
    'merchant_product',
    'The payment links of a sub-merchant need more details.',
  ),
  'product.payment_links.under_review': kept(
    'merchant_product',
    'The payment links of a sub-merchant are being reviewed.',
  ),
  'product.payment_link.rejected': kept('merchant_product', 'The payment links of a sub-merchant were refused.'),
  'product.payment_link.under_review': kept(
    'merchant_product',
    'The payment links of a sub-merchant are being reviewed.',
  ),
  'product.payment_link.needs_clarification': kept(
    'merchant_product',
    'The payment links of a sub-merchant need more details.',
  ),
  'product.payment_link.activated': kept('merchant_product', 'The payment links of a sub-merchant may be used.'),
  'product.route.under_review': kept('merchant_product', 'Route of a linked account is being reviewed.'),
  'product.route.needs_clarification': kept('merchant_product', 'Route of a linked account needs more details.'),
  'product.route.activated': kept('merchant_product', 'Route of a linked account may be used.'),
  'subscription.authenticated': kept(
    'subscription',
    'The first charge of a subscription was authorised.',
    SUBSCRIPTION,
  ),
  'subscription.activated': kept('subscription', 'A subscription is active.', SUBSCRIPTION),
  'subscription.charged': kept('subscription', 'A charge of a subscription succeeded.', SUBSCRIPTION),
  'subscription.completed': kept('subscription', 'All charges of a subscription are done.', SUBSCRIPTION),
  'subscription.updated': kept('subscription', 'A subscription was changed.', SUBSCRIPTION),
  'subscription.pending': kept('subscription', 'A charge of a subscription failed and is tried again.', SUBSCRIPTION),
  'subscription.halted': kept(
    'subscription',
    'All tries of a charge failed: a subscription has stopped.',
    SUBSCRIPTION,
  ),
  'subscription.cancelled': kept('subscription', 'A subscription was cancelled.', SUBSCRIPTION),
  'subscription.paused': kept('subscription', 'A subscription is paused.', SUBSCRIPTION),
  'subscription.resumed': kept('subscription', 'A paused subscription goes on.', SUBSCRIPTION),
  'transfer.processed': kept('transfer', 'A transfer to a linked account is done.', TRANSFER),
  'transfer.failed': kept('transfer', 'A transfer to a linked account failed.', TRANSFER),
  'linked_account.vpa_created': kept('linked_account', 'A linked account has a VPA.', UNPUBLISHED),
  'settlement.vpa_completed': kept('settlement', 'A settlement to a VPA is done.', UNPUBLISHED),
  'payout.vpa_failed': kept('payout', 'A payout to a VPA failed.', UNPUBLISHED),
  'virtual_account.created': kept('virtual_account', 'A virtual account was opened.'),
  'virtual_account.credited': kept('virtual_account', 'Money came in on a virtual account.', CREDITED),
  'virtual_account.closed': kept('virtual_account', 'A virtual account was closed.'),
  'qr_code.created': kept('qr_code', 'A QR code was made.'),
  'qr_code.credited': kept('qr_code', 'Money came in by a QR code.', CREDITED),
  'qr_code.closed': kept('qr_code', 'A QR code was closed.'),
  'payout.pending': kept('payout', 'A payout waits for approval.', PAYOUT),
  'payout.rejected': kept('payout', 'A payout was not approved.', PAYOUT),
  'payout.queued': kept('payout', 'A payout waits for balance.', PAYOUT),
  'payout.initiated': kept('payout', 'A payout is being made.', PAYOUT),
  'payout.processed': kept('payout', 'A payout reached its account.', PAYOUT),
  'payout.updated': kept('payout', 'A payout was changed.', PAYOUT),
  'payout.reversed': kept('payout', 'A payout came back: the money is on your account again.', PAYOUT),
  'payout.failed': kept('payout', 'A payout failed.', PAYOUT),
  'payout.downtime.started': kept('payout.downtime', 'Payouts by a bank or method have a downtime.'),
  'payout.downtime.resolved': kept('payout.downtime', 'A downtime of payouts is over.'),
  'payout_link.pending': kept('payout_link', 'A payout link waits for approval.'),
  'payout_link.issued': kept('payout_link', 'A payout link was sent.'),
  'payout_link.processing': kept('payout_link', 'The payout of a payout link is being made.'),
  'payout_link.processed': kept('payout_link', 'The payout of a payout link is done.'),
  'payout_link.attempted': kept('payout_link', 'A payout of a payout link failed; it can be tried again.'),
  'payout_link.cancelled': kept('payout_link', 'A payout link was cancelled.'),
  'payout_link.rejected': kept('payout_link', 'A payout link was not approved.'),
  'payout_link.expired': kept('payout_link', 'A payout link ran out of time.'),
  'transaction.created': kept('transaction', 'The balance of a RazorpayX account changed.', {
    links: { reference: 'transaction.source.id' },
  }),
  'token.confirmed': kept('token', 'A mandate or token may be charged.', TOKEN),
  'token.rejected': kept('token', 'A mandate was refused.', TOKEN),
  'token.cancelled': kept('token', 'A mandate was cancelled.', TOKEN),
  'token.paused': kept('token', 'A mandate is paused.', TOKEN),
  'token.resumed': kept('token', 'A paused mandate goes on.', TOKEN),
  'token.cancellation_initiated': kept('token', 'A mandate is being cancelled.', TOKEN),
  'token.initiated': kept('token', 'A card is being tokenised.', TOKEN),
  'token.activated': kept('token', 'The token of a card is active.', TOKEN),
  'token.suspended': kept('token', 'The token of a card is suspended.', TOKEN),
  'token.deactivated': kept('token', 'The token of a card was deleted.', TOKEN),
  'token.expiry_updated': kept('token', 'The token of a card has a new expiry.', TOKEN),
  'token.service_provider.activated': kept('token', 'A network token is active.', TOKEN),
  'token.service_provider.cancelled': kept('token', 'A network token was cancelled.', TOKEN),
  'token.service_provider.deactivated': kept('token', 'A network token was deleted.', TOKEN),
  'token.service_provider.failed': kept('token', 'A network token could not be made.', TOKEN),
  'token.service_provider_token.activated': kept('service_provider_token', 'A network token is active.'),
} as const satisfies Record<string, KeptEventSpec>;
