import type { EventIn } from '#catalogue';
import type { Lifecycle } from '#kernel';
import { byRankThenTime, onStatusChange, statusIn } from '#kernel';
import type { PaymentStatus } from './payment.ts';
import { paymentFields, paymentStatuses } from './payment.ts';
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
