import type { EventIn } from '#catalogue';
import { byStageThenTime, onceTrue, onStatusChange, showsUnknown } from '#rules';
import type { Lifecycle } from '#rules';
import { refundEnds, refundFields, refundStatuses } from './fields.ts';
import type { RefundStatus } from './fields.ts';
import { refundTransitions } from './transitions.ts';

/** A refund of which only a status is known that we do not know is not "under way". */
const statusFacts = onStatusChange<RefundStatus>(
  (status, state) => (status === 'pending' && showsUnknown(refundStatuses, state) ? null : `refund.${status}`),
  refundEnds,
);

const speedFacts = onceTrue<RefundStatus>('refund.speed_changed', ({ values }) => values['speed_changed'] === true);

export const refundLifecycle: Lifecycle<RefundStatus, EventIn<'refunds'>> = {
  statuses: refundStatuses,
  table: refundTransitions,
  fields: refundFields,
  shown: ({ subject }) => subject['status'],
  ends: refundEnds,
  isLaterEndContrary: true,
  contradicted: 'refund.contradicted',
  order: byStageThenTime<RefundStatus>(refundStatuses, refundEnds),
  facts: (before, after) => [...statusFacts(before, after), ...speedFacts(before, after)],
};
