import type { EventIn } from '#catalogue';
import type { TransitionTable } from '#rules';
import type { RefundStatus } from './fields.ts';

const pending = { to: 'pending' } as const;
const failed = { to: 'failed' } as const;
const processed = { to: 'processed' } as const;

/**
 * Where each event leads (razorpay.com/docs/webhooks/refunds). `refund.created` and
 * `refund.speed_changed` by themselves say only that the refund is under way; their
 * snapshots are often further (`created` with status `processed`, seen live).
 */
export const refundTransitions: TransitionTable<RefundStatus, EventIn<'refunds'>> = {
  absent: {
    'refund.created': pending,
    'refund.speed_changed': pending,
    'refund.failed': failed,
    'refund.processed': processed,
  },
  pending: {
    'refund.created': pending,
    'refund.speed_changed': pending,
    'refund.failed': failed,
    'refund.processed': processed,
  },
  processed: {
    'refund.created': 'stale',
    'refund.speed_changed': 'stale',
    'refund.failed': failed,
    'refund.processed': processed,
  },
  failed: {
    'refund.created': 'stale',
    'refund.speed_changed': 'stale',
    'refund.failed': failed,
    'refund.processed': processed,
  },
};
