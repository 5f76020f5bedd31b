import type { EventIn } from '#catalogue';
import { byRankThenTime, onceTrue, onStatusChange, readFlag } from '#rules';
import type { JsonRecord, Lifecycle } from '#rules';
import { paymentEnds, paymentFields, paymentStatuses } from './fields.ts';
import type { PaymentStatus } from './fields.ts';
import { paymentTransitions } from './transitions.ts';

const statusFacts = onStatusChange<PaymentStatus>((status) => (status === 'created' ? null : `payment.${status}`));

/**
 * Approved after it had failed, whatever the flag says: nobody waits
 * for that money any more, and it goes back if nobody captures it.
 */
const lateFacts = onceTrue<PaymentStatus>(
  'payment.late_authorized',
  ({ status, values }) =>
    status === 'authorized' && (values['ever_failed'] === true || values['late_authorized'] === true),
);

const excessFacts = onceTrue<PaymentStatus>('payment.over_refunded', ({ values }) => {
  const [paid, refunded] = [values['amount_minor'], values['amount_refunded_minor']];
  return typeof paid === 'number' && typeof refunded === 'number' && refunded > paid;
});

/** Where the snapshot has no status, its flag shows the capture. */
const statusIn = ({ status, captured }: JsonRecord): unknown =>
  (status ?? '') === '' && readFlag(captured) === true ? 'captured' : status;

export const paymentLifecycle: Lifecycle<PaymentStatus, EventIn<'payments'>> = {
  statuses: paymentStatuses,
  table: paymentTransitions,
  fields: paymentFields,
  shown: ({ subject }) => statusIn(subject),
  ends: paymentEnds,
  // A captured payment is refunded in the usual course; a failed one is neither.
  excludes: (one, other) => one === 'failed' || other === 'failed',
  contradicted: 'payment.contradicted',
  order: byRankThenTime,
  facts: (before, after) => [...statusFacts(before, after), ...lateFacts(before, after), ...excessFacts(before, after)],
};
