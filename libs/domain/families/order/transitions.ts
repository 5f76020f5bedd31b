import type { EventIn } from '#catalogue';
import type { TransitionTable } from '#rules';
import type { OrderStatus } from './fields.ts';

const created = { to: 'created' } as const;
const attempted = { to: 'attempted' } as const;
const paid = { to: 'paid' } as const;

/**
 * Where each event leads. A pre-debit notice proves that the order exists and says nothing more of its status, so it
 * applies to every order and moves none.
 */
export const orderTransitions: TransitionTable<OrderStatus, EventIn<'orders'>> = {
  absent: { 'order.paid': paid, 'order.notification.delivered': created, 'order.notification.failed': created },
  created: { 'order.paid': paid, 'order.notification.delivered': created, 'order.notification.failed': created },
  attempted: { 'order.paid': paid, 'order.notification.delivered': attempted, 'order.notification.failed': attempted },
  paid: { 'order.paid': paid, 'order.notification.delivered': paid, 'order.notification.failed': paid },
};
