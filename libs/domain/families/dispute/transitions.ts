import type { EventIn } from '#catalogue';
import type { TransitionTable } from '#rules';
import type { DisputeStatus } from './fields.ts';

const open = { to: 'open' } as const;
const underReview = { to: 'under_review' } as const;
const actionRequired = { to: 'action_required' } as const;
const closed = { to: 'closed' } as const;
const lost = { to: 'lost' } as const;
const won = { to: 'won' } as const;

type Row = TransitionTable<DisputeStatus, EventIn<'disputes'>>[DisputeStatus];

/**
 * Evidence goes to and fro (docs/webhooks/disputes, action_required):
 * in the review the newer event counts, not the higher.
 */
const inReview: Row = {
  'payment.dispute.created': 'stale',
  'payment.dispute.under_review': underReview,
  'payment.dispute.action_required': actionRequired,
  'payment.dispute.closed': closed,
  'payment.dispute.lost': lost,
  'payment.dispute.won': won,
};

/** Over: only a later phase opens the dispute again (see lifecycle.ts), and between ends the later one counts. */
const over: Row = {
  'payment.dispute.created': 'stale',
  'payment.dispute.under_review': 'stale',
  'payment.dispute.action_required': 'stale',
  'payment.dispute.closed': closed,
  'payment.dispute.lost': lost,
  'payment.dispute.won': won,
};

/** Where each event leads within one phase (razorpay.com/docs/payments/disputes and /webhooks/disputes). */
export const disputeTransitions: TransitionTable<DisputeStatus, EventIn<'disputes'>> = {
  absent: { ...inReview, 'payment.dispute.created': open },
  open: { ...inReview, 'payment.dispute.created': open },
  under_review: inReview,
  action_required: inReview,
  closed: over,
  won: over,
  lost: over,
};
