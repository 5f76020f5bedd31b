import { entityBeside } from '#catalogue';
import {
  column,
  commonFields,
  foldInto,
  highest,
  latest,
  oneOf,
  personal,
  readJson,
  readPast,
  readText,
  recordAt,
} from '#rules';
import type { Field, Reading, Snapshot } from '#rules';
import { currency, showing, timeOf } from '../columns.ts';

/**
 * Lowest rank first, within one phase (razorpay.com/docs/payments/disputes: open → under_review → won or lost; open →
 * lost when accepted; open → closed in the fraud and retrieval phases). Razorpay shows `open` while it asks for more
 * evidence; here that is `action_required`, because somebody has to act.
 *
 * A phase has one end. Where bodies contradict each other, the later one counts; within one second a decision stands
 * above `closed`, which is none, and `lost` above `won`, because money must not be shown as won when it may not be.
 */
export const disputeStatuses = ['open', 'under_review', 'action_required', 'closed', 'won', 'lost'] as const;
export type DisputeStatus = (typeof disputeStatuses)[number];
export const disputeEnds = ['closed', 'won', 'lost'] as const satisfies readonly DisputeStatus[];

/** Earliest first (razorpay.com/docs/payments/disputes, "phases"). Each may follow any that stands before it. */
export const phases = ['fraud', 'retrieval', 'chargeback', 'pre_arbitration', 'arbitration'] as const;
export type Phase = (typeof phases)[number];

/** The phase that a snapshot names; null when it names none that we know. */
export const phaseOf = ({ subject }: Snapshot): Phase | null => {
  const shown = Object.hasOwn(subject, 'phase') ? subject['phase'] : undefined;
  return foldInto(phases, shown) ?? null;
};

/** The disputed payment's snapshot lies beside the dispute (razorpay.com/docs/webhooks/disputes). */
const orderId: Reading = {
  type: 'text',
  rule: 'latest',
  read: (snapshot) => readText(entityBeside(snapshot, 'payment')?.['order_id']),
};

/** Inside the dispute in all published samples but that of action_required, where it lies beside `entity`. */
const evidenceOf = ({ subject, payload }: Snapshot) =>
  recordAt(subject, 'evidence') ?? recordAt(recordAt(payload, 'dispute'), 'evidence');

const evidence: Reading = { type: 'jsonb', rule: 'latest', read: (snapshot) => readJson(evidenceOf(snapshot)) };
const evidenceSubmittedAt: Reading = {
  type: 'timestamptz',
  rule: 'latest',
  read: (snapshot) => readPast(evidenceOf(snapshot)?.['submitted_at'], snapshot),
};

/**
 * Columns of `payment_disputes`. Entity: razorpay.com/docs/api/disputes/entity. Amounts are minor units of `currency`.
 * `amount_deducted` is 0 until a phase is lost, or from the onset where the amount is taken at once; a won dispute
 * gives it back. The newest snapshot says what is deducted now, and the greatest stays visible.
 */
export const disputeFields = {
  ...commonFields,
  payment_id: column('Payment that is disputed.', latest.text('payment_id')),
  order_id: column('Order of that payment.', orderId),
  phase: oneOf(
    phases,
    'How far the dispute has gone between the banks; a later phase can follow an end.',
    latest.text('phase'),
  ),
  amount_minor: column('Amount in dispute.', latest.integer('amount')),
  currency,
  amount_deducted_minor: column(
    'Amount that is deducted from the merchant now; 0 once it was given back.',
    latest.integer('amount_deducted'),
  ),
  amount_deducted_highest_minor: column(
    'Greatest amount that was ever deducted, also at the onset or in an earlier phase.',
    highest.integer('amount_deducted'),
  ),
  reason_code: column("Network's or Razorpay's code of the reason.", latest.text('reason_code')),
  reason_description: column('The reason in a sentence.', latest.text('reason_description')),
  respond_by: column('Deadline for evidence or acceptance.', latest.time('respond_by')),
  evidence: personal('Evidence that was submitted, with its documents and texts.', evidence),
  evidence_submitted_at: column('When evidence was last submitted.', evidenceSubmittedAt),
  created_at: column('When the dispute was opened.', latest.past('created_at')),
  closed_at: column(
    'When it was won, lost or closed; of several phases, in the newest that has ended.',
    timeOf(
      'newest',
      showing<DisputeStatus>(disputeStatuses, ...disputeEnds),
      'payment.dispute.won',
      'payment.dispute.lost',
      'payment.dispute.closed',
    ),
  ),
} as const satisfies Record<string, Field>;
