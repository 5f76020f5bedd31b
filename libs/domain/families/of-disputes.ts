import { defineAggregate } from './aggregate.ts';
import { disputeLifecycle } from './dispute/lifecycle.ts';

export const disputeAggregate = defineAggregate('disputes', disputeLifecycle);

/** What the disputes service applies: one aggregate per family it owns. */
export const disputeAggregates = [disputeAggregate] as const;
