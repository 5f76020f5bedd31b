import type { EventIn } from '#catalogue';
import { onStatusChange, readPast, UNKNOWN, valueAt } from '#rules';
import type { EntityState, Fact, Lifecycle, Snapshot } from '#rules';
import { noticeOf, orderFields, orderStatuses } from './fields.ts';
import type { OrderStatus } from './fields.ts';
import { orderTransitions } from './transitions.ts';

/**
 * Published notices have their `created_at` inside `payload` (docs/reference/razorpay.md "Envelope"). Of two notices
 * the newer stands higher; where the time does not tell, one that reached the customer does.
 */
const byRankThenNotice = (snapshot: Snapshot, rank: number): readonly number[] => [
  rank,
  timeOf(snapshot),
  noticeOf(snapshot.event) === 'delivered' ? 1 : 0,
];

const timeOf = (snapshot: Snapshot): number =>
  snapshot.occurredAt ?? readPast(valueAt(snapshot.payload, ['created_at']), snapshot) ?? UNKNOWN;

const statusFacts = onStatusChange<OrderStatus>((status) => (status === 'attempted' ? null : `order.${status}`));

/** Each notice that takes its place in the row is a fact; its event tells it from other notices of the order. */
const noticeFacts = (before: EntityState | undefined, after: EntityState): readonly Fact[] => {
  const [was, now] = [before?.stamps['notification_status'], after.stamps['notification_status']];
  if (now === undefined || was?.eventId === now.eventId) return [];
  const kind =
    after.values['notification_status'] === 'delivered' ? 'order.notification_delivered' : 'order.notification_failed';
  return [{ kind, occurrence: now.eventId }];
};

export const orderLifecycle: Lifecycle<OrderStatus, EventIn<'orders'>> = {
  statuses: orderStatuses,
  table: orderTransitions,
  fields: orderFields,
  // The status of a notice is not that of the order.
  shown: ({ event, subject }) => (noticeOf(event) === undefined ? subject['status'] : null),
  ends: ['paid'],
  contradicted: null,
  order: byRankThenNotice,
  lane: ({ event }) => (noticeOf(event) === undefined ? '' : 'notification'),
  facts: (before, after) => [...statusFacts(before, after), ...noticeFacts(before, after)],
};
