import type { EventIn } from '#catalogue';
import { byRankThenTime, onStatusChange } from '#rules';
import type { Lifecycle } from '#rules';
import { paymentEnds, paymentFields, paymentStatuses } from './fields.ts';
import type { PaymentStatus } from './fields.ts';
import { paymentTransitions } from './transitions.ts';

export const paymentLifecycle: Lifecycle<PaymentStatus, EventIn<'payments'>> = {
  statuses: paymentStatuses,
  table: paymentTransitions,
  fields: paymentFields,
  shown: ({ subject }) => subject['status'],
  ends: paymentEnds,
  // A captured payment is refunded in the usual course; a failed one is neither.
  excludes: (one, other) => one === 'failed' || other === 'failed',
  contradicted: 'payment.contradicted',
  order: byRankThenTime,
  facts: onStatusChange((status) => (status === 'created' ? null : `payment.${status}`)),
};
