import { defineAggregate } from './aggregate.ts';
import { refundLifecycle } from './refund/lifecycle.ts';

export const refundAggregate = defineAggregate('refunds', refundLifecycle);

/** What the refunds service applies: one aggregate per family it owns. */
export const refundAggregates = [refundAggregate] as const;
