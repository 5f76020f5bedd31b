import { accountActivated, accountAtItsLimit, accountRejected, accountReviewed, validations } from './accounts.ts';
import { disputeClosed, disputeLost, disputeReopened, disputeRounds, disputeWon } from './disputes.ts';
import { invoiceExpires, invoicePaid, invoicePartialPayments } from './invoices.ts';
import { paidOut, settled } from './kept.ts';
import { linkExpires, linkIsCancelled, linkPaid, linkPartialPayments } from './links.ts';
import {
  checkoutCaptured,
  lateAuthorised,
  noticeFails,
  overlappingDowntimes,
  paymentFailed,
  recurringCharge,
  secondAttempt,
} from './payments.ts';
import { refundAtOnce, refundFails, refundFallsBack, refundNormal } from './refunds.ts';
import type { Story } from './story.ts';

/**
 * Every story that the simulator can tell, by the name that
 * `--stories` takes. Together they hold all events of the catalogue.
 */
export const stories = {
  'checkout-captured': checkoutCaptured,
  'late-authorised': lateAuthorised,
  'payment-failed': paymentFailed,
  'second-attempt': secondAttempt,
  'recurring-charge': recurringCharge,
  'notice-failed': noticeFails,
  downtimes: overlappingDowntimes,
  'refund-normal': refundNormal,
  'refund-falls-back': refundFallsBack,
  'refund-at-once': refundAtOnce,
  'refund-failed': refundFails,
  'dispute-won': disputeWon,
  'dispute-lost': disputeLost,
  'dispute-closed': disputeClosed,
  'dispute-rounds': disputeRounds,
  'dispute-reopened': disputeReopened,
  'link-paid': linkPaid,
  'link-partial': linkPartialPayments,
  'link-expired': linkExpires,
  'link-cancelled': linkIsCancelled,
  'invoice-paid': invoicePaid,
  'invoice-partial': invoicePartialPayments,
  'invoice-expired': invoiceExpires,
  'account-activated': accountActivated,
  'account-limited': accountAtItsLimit,
  'account-reviewed': accountReviewed,
  'account-rejected': accountRejected,
  validations,
  settlement: settled,
  payout: paidOut,
} as const satisfies Record<string, Story>;

export type StoryName = keyof typeof stories;
export const storyNames = Object.keys(stories) as readonly StoryName[];
export const isStoryName = (name: string): name is StoryName => Object.hasOwn(stories, name);
