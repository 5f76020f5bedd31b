import type { EventIn } from '#catalogue';
import type { Lifecycle } from '#kernel';
import { byRankThenTime, onStatusChange, statusIn } from '#kernel';
import type { RefundStatus } from './refund.ts';
import { refundFields, refundStatuses } from './refund.ts';
import { refundTransitions } from './transitions.ts';

const readStatus = statusIn(refundStatuses);

export const refundLifecycle: Lifecycle<RefundStatus, EventIn<'refunds'>> = {
  statuses: refundStatuses,
  table: refundTransitions,
  fields: refundFields,
  shown: ({ subject }) => readStatus(subject['status']),
  order: byRankThenTime,
  facts: onStatusChange((status) => `refund.${status}`),
};
