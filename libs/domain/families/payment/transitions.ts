import type { EventIn } from '#catalogue';
import type { TransitionTable } from '#rules';
import type { PaymentStatus } from './fields.ts';

const authorized = { to: 'authorized' } as const;
const captured = { to: 'captured' } as const;
const failed = { to: 'failed' } as const;

/**
 * Where each event leads. A status is left only for a higher one; what comes late is stale: it may fill gaps, it moves
 * nothing. failed → authorized and failed → captured are legal: late authorisation, and a second try in a UPI app under
 * the same id (razorpay.com/docs/webhooks/payments, "Watch Out"). A captured payment never fails. The table is the
 * promise: what decides is the rank of a status in `fields.ts` with the `order` of `lifecycle.ts`, by `reducerOf`
 * (libs/domain/rules/lifecycle.ts); a test holds the two equal, so that a cell changed alone fails there.
 */
export const paymentTransitions: TransitionTable<PaymentStatus, EventIn<'payments'>> = {
  absent: { 'payment.authorized': authorized, 'payment.captured': captured, 'payment.failed': failed },
  created: { 'payment.authorized': authorized, 'payment.captured': captured, 'payment.failed': failed },
  failed: { 'payment.authorized': authorized, 'payment.captured': captured, 'payment.failed': failed },
  authorized: { 'payment.authorized': authorized, 'payment.captured': captured, 'payment.failed': 'stale' },
  captured: { 'payment.authorized': 'stale', 'payment.captured': captured, 'payment.failed': 'stale' },
  refunded: { 'payment.authorized': 'stale', 'payment.captured': 'stale', 'payment.failed': 'stale' },
};
