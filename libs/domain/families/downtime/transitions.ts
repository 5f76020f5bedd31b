import type { EventIn } from '#catalogue';
import type { TransitionTable } from '#rules';
import type { DowntimeStatus } from './fields.ts';

const started = { to: 'started' } as const;
const updated = { to: 'updated' } as const;
const resolved = { to: 'resolved' } as const;

/**
 * Where each event leads (razorpay.com/docs/webhooks/payments,
 * "downtime"). Updates repeat; after the end nothing counts.
 */
export const downtimeTransitions: TransitionTable<DowntimeStatus, EventIn<'downtimes'>> = {
  absent: {
    'payment.downtime.started': started,
    'payment.downtime.updated': updated,
    'payment.downtime.resolved': resolved,
  },
  scheduled: {
    'payment.downtime.started': started,
    'payment.downtime.updated': updated,
    'payment.downtime.resolved': resolved,
  },
  started: {
    'payment.downtime.started': started,
    'payment.downtime.updated': updated,
    'payment.downtime.resolved': resolved,
  },
  updated: {
    'payment.downtime.started': 'stale',
    'payment.downtime.updated': updated,
    'payment.downtime.resolved': resolved,
  },
  resolved: {
    'payment.downtime.started': 'stale',
    'payment.downtime.updated': 'stale',
    'payment.downtime.resolved': resolved,
  },
  cancelled: {
    'payment.downtime.started': 'stale',
    'payment.downtime.updated': 'stale',
    'payment.downtime.resolved': resolved,
  },
};
