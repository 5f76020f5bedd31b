import { defineAggregate } from '../aggregate.ts';
import { refundLifecycle } from './lifecycle.ts';

/** A refund: columns, statuses, and what each event does to it. */
export const refundAggregate = defineAggregate('refunds', refundLifecycle);
