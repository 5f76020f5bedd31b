import { eventNames } from './events.ts';
import { serviceNames } from './families.ts';

/**
 * Every name on the pages of razorpay.com/docs (webhooks: all, payments, orders, disputes, refunds, invoices,
 * payment-links, account-validation, partners, route, settlements, smart-collect, qr-codes, subscriptions, payouts,
 * payout-links, transactions; payments/magic-checkout/web; api/payments/recurring-payments/webhooks; token-hq), written
 * down by hand, and each in both spellings where pages differ.
 */
const NAMES = `
  payment.authorized payment.captured payment.failed payment.pending payment.dispute.created payment.dispute.won
  payment.dispute.lost payment.dispute.closed payment.dispute.under_review payment.dispute.action_required
  payment.downtime.started payment.downtime.updated payment.downtime.resolved order.paid
  order.notification.delivered order.notification.failed notification.delivered notification.failed order.created
  order.placed order.expired fulfillment.to_be_shipped fulfillment.ready_to_ship fulfillment.in_transit
  fulfillment.rto fulfillment.delivered fulfillment.customer_refunded invoice.paid invoice.partially_paid
  invoice.expired refund.created refund.processed refund.failed refund.speed_changed payment_link.paid
  payment_link.partially_paid payment_link.expired payment_link.cancelled fund_account.validation.completed
  fund_account.validation.failed account.instantly_activated account.activated_kyc_pending account.activated
  account.under_review account.needs_clarification account.rejected account.suspended account.payments_enabled
  account.funds_hold account.funds_unhold account.instant_activation_gmv_limit_warning
  account.no_doc_onboarding_gmv_limit_warning account.updated account.app.authorization_revoked
  banking_accounts.issued product.payment_gateway.activated product.payment_gateway.activated_kyc_pending
  product.payment_gateway.instantly_activated product.payment_gateway.needs_clarification
  product.payment_gateway.rejected product.payment_gateway.under_review product.payment_links.activated
  product.payment_links.activated_kyc_pending product.payment_links.needs_clarification
  product.payment_links.under_review product.payment_link.rejected product.payment_link.under_review
  product.payment_link.needs_clarification product.payment_link.activated product.route.under_review
  product.route.needs_clarification product.route.activated subscription.authenticated subscription.activated
  subscription.charged subscription.completed subscription.updated subscription.pending subscription.halted
  subscription.cancelled subscription.paused subscription.resumed settlement.processed transfer.processed
  transfer.failed linked_account.vpa_created settlement.vpa_completed payout.vpa_failed virtual_account.created
  virtual_account.closed virtual_account.credited qr_code.created qr_code.closed qr_code.credited payout.pending
  payout.rejected payout.queued payout.initiated payout.processed payout.updated payout.reversed payout.failed
  payout.downtime.started payout.downtime.resolved payout_link.pending payout_link.issued payout_link.processing
  payout_link.processed payout_link.attempted payout_link.cancelled payout_link.rejected payout_link.expired
  transaction.created token.confirmed token.rejected token.cancelled token.paused token.resumed
  token.cancellation_initiated token.initiated token.activated token.suspended token.deactivated
  token.expiry_updated token.service_provider.activated token.service_provider.cancelled
  token.service_provider.deactivated token.service_provider.failed token.service_provider_token.activated
`;

test('every name that Razorpay publishes has its row in the catalogue', () => {
  const published = NAMES.trim().split(/\s+/);
  expect(published).toHaveLength(129);
  expect(published.filter((name) => !eventNames.some((known) => known === name))).toEqual([]);
});

test('the name of a service is one lowercase word: it is part of a role of Postgres and of a Deployment', () => {
  for (const name of serviceNames) expect(name).toMatch(/^[a-z]+$/);
});
