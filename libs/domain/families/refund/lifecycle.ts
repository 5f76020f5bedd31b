import type { EventIn } from '#catalogue';
import { byRankThenTime, onStatusChange, statusIn } from '#rules';
import type { Lifecycle } from '#rules';
import { refundFields, refundStatuses } from './fields.ts';
import type { RefundStatus } from './fields.ts';
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
