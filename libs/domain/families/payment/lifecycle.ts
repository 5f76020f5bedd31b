import type { EventIn } from '#catalogue';
import { byRankThenTime, onStatusChange, statusIn } from '#rules';
import type { Lifecycle } from '#rules';
import { paymentFields, paymentStatuses } from './fields.ts';
import type { PaymentStatus } from './fields.ts';
import { paymentTransitions } from './transitions.ts';

const readStatus = statusIn(paymentStatuses);

export const paymentLifecycle: Lifecycle<PaymentStatus, EventIn<'payments'>> = {
  statuses: paymentStatuses,
  table: paymentTransitions,
  fields: paymentFields,
  shown: ({ subject }) => readStatus(subject['status']),
  order: byRankThenTime,
  facts: onStatusChange((status) => `payment.${status}`),
};
