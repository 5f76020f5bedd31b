import { acknowledgement, duplicates, signatures } from './deliveries.ts';
import { downtimes } from './downtimes.ts';
import { anyOrder, fulfilOnWebhook, lateAuthorisation, orderLifecycle, partialPayments } from './payments.ts';
import { instantFallsBack, normalRefund, refundedTwice, refundFails } from './refunds.ts';
import type { Deployment } from './deployment.ts';

/**
 * How much of Razorpay's own text of a scenario is known: F full, P part, T
 * only from a table that names its id, I we infer what it tests, X nothing.
 */
export type Evidence = 'F' | 'P' | 'T, I' | 'T' | 'X';

/** Why a scenario is not run. */
export type NotRun = "not a receiver's matter" | 'not shown' | 'not readable, not run';

export interface Scenario {
  /** Razorpay's number; `RFND-?` where none is known. */
  readonly id: string;
  readonly title: string;
  readonly evidence: Evidence;
  /** What the run shows, and what of the scenario it leaves out; or why it is not run. */
  readonly says: string;
  readonly run: ((deployment: Deployment, size: Size) => Promise<void>) | NotRun;
}

/** `short` is for tests: as many checks, fewer repetitions. */
export type Size = 'whole' | 'short';
const PERMUTATIONS = { whole: 120, short: 6 } as const;
const BURST = { whole: 200, short: 40 } as const;

const NO_API = 'Dakia receives webhooks and calls no API of Razorpay, so it fetches nothing that was never delivered.';

/**
 * Razorpay's numbered scenarios
 * (razorpay.com/docs/payments/payment-gateway/s2s-integration/test-s2s), all that are known by an id.
 */
export const scenarios: readonly Scenario[] = [
  {
    id: 'BP-01',
    title: 'Fulfil on the webhook, not on the browser callback',
    evidence: 'P',
    says: 'Nothing is told before a webhook; `order.paid` is told once, whichever of both events comes first.',
    run: fulfilOnWebhook,
  },
  {
    id: 'BP-02',
    title: 'Verify the signature of the payment callback',
    evidence: 'F',
    says: 'The callback goes to the merchant’s own page, with the key secret, which Dakia does not have.',
    run: "not a receiver's matter",
  },
  {
    id: 'BP-03',
    title: 'Replay of a stored webhook',
    evidence: 'T, I',
    says:
      'In a row, 20 at once, under another id, without an id, and another body under a taken id. A restart in ' +
      'between is in `test/faults`.',
    run: duplicates,
  },
  {
    id: 'BP-04',
    title: 'Endpoint failing, recovered by the reconciler',
    evidence: 'T, I',
    says: NO_API,
    run: 'not shown',
  },
  { id: 'BP-05', title: 'Missed webhook found by fetch', evidence: 'T, I', says: NO_API, run: 'not shown' },
  {
    id: 'BP-06',
    title: 'Late authorisation with auto-capture on',
    evidence: 'P',
    says: 'In its order and the other way round; the failure pays nothing, the late approval is told.',
    run: lateAuthorisation,
  },
  {
    id: 'BP-07',
    title: 'Create-order call times out',
    evidence: 'F',
    says: 'A matter of who calls the API.',
    run: "not a receiver's matter",
  },
  {
    id: 'BP-08',
    title: 'Create-payment call times out',
    evidence: 'P',
    says:
      'A matter of who calls the API. Two captures of one order or one receipt are told (`order.captured_twice`) and ' +
      'listed (`money_to_check`).',
    run: "not a receiver's matter",
  },
  {
    id: 'BP-10',
    title: 'Webhooks out of order',
    evidence: 'T, I',
    says:
      'All 120 orders of five events end alike; an authorisation a day late and a dispute before its ' +
      'capture change nothing.',
    run: async (deployment, size) => anyOrder(PERMUTATIONS[size])(deployment),
  },
  {
    id: 'BP-11',
    title: 'Slow endpoint: acknowledge first, process later',
    evidence: 'T, I',
    says:
      'Each of 200 answers within 5 s; a sender that gave up waiting sends again without effect. A slow ' +
      'processor is in `test/faults`.',
    run: async (deployment, size) => acknowledgement(deployment, BURST[size]),
  },
  {
    id: 'BP-12',
    title: 'Create-refund call times out',
    evidence: 'P',
    says: 'A matter of who calls the API; what a receiver can do is shown: a refund beyond what was paid is told.',
    run: refundedTwice,
  },
  {
    id: 'BP-17',
    title: 'React to downtime webhooks by severity',
    evidence: 'F',
    says: 'Hide, warn and restore by `downtimes_in_force`; out of order, repeated, two on one bank.',
    run: downtimes,
  },
  { id: 'BP-20', title: 'Orders still open after 15 minutes', evidence: 'T, I', says: NO_API, run: 'not shown' },
  { id: 'BP-36', title: 'Check downtimes when the page loads', evidence: 'P', says: NO_API, run: 'not shown' },
  {
    id: 'BP-37',
    title: 'Verify the webhook signature; reject a changed body',
    evidence: 'F',
    says: 'Nine forgeries are refused and leave no row. The grace of a former secret is in `test/e2e`.',
    run: signatures,
  },
  {
    id: 'ORD-01',
    title: 'Create an order',
    evidence: 'F',
    says: 'No webhook is sent.',
    run: "not a receiver's matter",
  },
  {
    id: 'ORD-02 · 03',
    title: 'Order lifecycle; retry after a failed payment',
    evidence: 'P',
    says: 'Failed, paid by the next attempt, partly refunded: the order stays paid.',
    run: orderLifecycle,
  },
  {
    id: 'ORD-04…15',
    title: 'Signature, idempotence, fetch, request errors',
    evidence: 'T',
    says: 'Matters of who calls the API; only titles are known.',
    run: "not a receiver's matter",
  },
  {
    id: 'ORD-16',
    title: 'Partial payments',
    evidence: 'T, I',
    says: 'Two captures on one order; `order.paid` is told once, with the last.',
    run: partialPayments,
  },
  { id: 'ORD-17…25', title: 'unknown', evidence: 'X', says: 'No text is known.', run: 'not readable, not run' },
  {
    id: 'RFND-01',
    title: 'Normal refund succeeds',
    evidence: 'P',
    says: 'In both orders, and where `refund.created` says `processed` already.',
    run: normalRefund,
  },
  {
    id: 'RFND-?',
    title: 'Instant refund that falls back to normal',
    evidence: 'T',
    says: 'The change of speed is told, and the outcome.',
    run: instantFallsBack,
  },
  {
    id: 'RFND-?',
    title: 'Normal refund fails, instant succeeds',
    evidence: 'T',
    says:
      'Not possible in Razorpay’s test mode. A failure is told, also after `processed`, and the ' +
      'total goes down again.',
    run: refundFails,
  },
  {
    id: 'RFND-?',
    title: 'Refund API errors',
    evidence: 'T',
    says: 'A matter of who calls the API.',
    run: "not a receiver's matter",
  },
  {
    id: 'SETL-01',
    title: 'Settlement is created and processed',
    evidence: 'P',
    says: `\`settlement.processed\` is kept and told; the reconciliation needs the API. ${NO_API}`,
    run: 'not shown',
  },
  { id: 'SETL-?', title: 'Recon of a settlement; low balance', evidence: 'T', says: NO_API, run: 'not shown' },
  {
    id: 'cards, UPI, recurring',
    title: 'Scenarios of the method pages',
    evidence: 'X',
    says: 'No text is known.',
    run: 'not readable, not run',
  },
  {
    id: 'partner onboarding',
    title: 'Webhooks of accounts and products',
    evidence: 'P',
    says: 'Signature, repeats and order are as above; ids are not known.',
    run: 'not readable, not run',
  },
];

/** As it is printed: a number whose text is not known is not claimed. */
export const printedId = ({ id, evidence, run }: Scenario): string =>
  typeof run === 'function' && evidence.startsWith('T') ? `${id} (inferred)` : id;
