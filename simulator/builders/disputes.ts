import type { Random } from '../random.ts';
import type { Json } from '../wire.ts';
import type { Payment } from './payments.ts';

/** The dispute entity: razorpay.com/docs/webhooks/disputes. Amounts in paise, times in epoch seconds. */
export interface Dispute extends Json {
  readonly id: string;
  readonly payment_id: string;
  readonly amount: number;
  readonly evidence: Json;
}
export type Phase = 'fraud' | 'retrieval' | 'chargeback' | 'pre_arbitration' | 'arbitration';

/** Days that a merchant has to answer. */
const RESPOND_WITHIN_S = 7 * 86_400;

export const newDispute = (
  random: Random,
  needs: { readonly at: number; readonly payment: Payment; readonly phase?: Phase },
): Dispute => ({
  id: random.id('disp_'),
  entity: 'dispute',
  payment_id: needs.payment.id,
  amount: needs.payment.amount,
  currency: 'INR',
  amount_deducted: 0,
  reason_code: random.pick([
    'goods_or_services_not_received_or_partially_received',
    'duplicate_processing',
    'credit_not_processed',
  ]),
  respond_by: needs.at + RESPOND_WITHIN_S,
  status: 'open',
  phase: needs.phase ?? 'chargeback',
  evidence: noEvidence(needs.payment.amount),
  created_at: needs.at,
});

const noEvidence = (amount: number): Json => ({
  amount,
  summary: null,
  shipping_proof: null,
  billing_proof: null,
  cancellation_proof: null,
  customer_communication: null,
  proof_of_service: null,
  explanation_letter: null,
  refund_confirmation: null,
  access_activity_log: null,
  refund_cancellation_policy: null,
  term_and_conditions: null,
  others: null,
  submitted_at: null,
});

export const underReview = (dispute: Dispute, random: Random, at: number): Dispute => ({
  ...dispute,
  status: 'under_review',
  evidence: {
    ...dispute.evidence,
    summary: 'Parcel delivered; see the signed receipt.',
    shipping_proof: [random.id('doc_')],
    billing_proof: [random.id('doc_'), random.id('doc_')],
    others: [{ type: 'receipt_signed_by_customer', document_ids: [random.id('doc_')] }],
    submitted_at: at,
  },
});
/** More evidence is wanted: the dispute is open again, with a new deadline. */
export const reopened = (dispute: Dispute, at: number): Dispute => ({
  ...dispute,
  status: 'open',
  respond_by: at + RESPOND_WITHIN_S,
});
export const won = (dispute: Dispute): Dispute => ({ ...dispute, status: 'won' });
export const lost = (dispute: Dispute): Dispute => ({ ...dispute, status: 'lost', amount_deducted: dispute.amount });
export const closed = (dispute: Dispute): Dispute => ({ ...dispute, status: 'closed' });
/** A chargeback that was won comes back in a later phase under the same id (razorpay.com/docs/payments/disputes). */
export const inPhase = (dispute: Dispute, phase: Phase, at: number): Dispute => ({
  ...dispute,
  status: 'open',
  phase,
  respond_by: at + RESPOND_WITHIN_S,
  evidence: noEvidence(dispute.amount),
});
