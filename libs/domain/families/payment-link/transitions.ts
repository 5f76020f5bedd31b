import type { EventIn } from '#catalogue';
import type { TransitionTable } from '#rules';
import type { PaymentLinkStatus } from './fields.ts';

const partiallyPaid = { to: 'partially_paid' } as const;
const expired = { to: 'expired' } as const;
const cancelled = { to: 'cancelled' } as const;
const paid = { to: 'paid' } as const;

/**
 * Where each event leads. A status is left only for a higher one (payment-link.ts says
 * why they stand as they do); what comes late is stale: it may fill gaps and raise the
 * amount paid, it moves nothing. Every partial payment stays in `partially_paid`.
 */
export const paymentLinkTransitions: TransitionTable<PaymentLinkStatus, EventIn<'payment_links'>> = {
  absent: {
    'payment_link.paid': paid,
    'payment_link.partially_paid': partiallyPaid,
    'payment_link.expired': expired,
    'payment_link.cancelled': cancelled,
  },
  created: {
    'payment_link.paid': paid,
    'payment_link.partially_paid': partiallyPaid,
    'payment_link.expired': expired,
    'payment_link.cancelled': cancelled,
  },
  partially_paid: {
    'payment_link.paid': paid,
    'payment_link.partially_paid': partiallyPaid,
    'payment_link.expired': expired,
    'payment_link.cancelled': cancelled,
  },
  expired: {
    'payment_link.paid': paid,
    'payment_link.partially_paid': 'stale',
    'payment_link.expired': expired,
    'payment_link.cancelled': cancelled,
  },
  cancelled: {
    'payment_link.paid': paid,
    'payment_link.partially_paid': 'stale',
    'payment_link.expired': 'stale',
    'payment_link.cancelled': cancelled,
  },
  paid: {
    'payment_link.paid': paid,
    'payment_link.partially_paid': 'stale',
    'payment_link.expired': 'stale',
    'payment_link.cancelled': 'stale',
  },
};
