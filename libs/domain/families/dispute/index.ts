import { defineAggregate } from '../aggregate.ts';
import { disputeLifecycle } from './lifecycle.ts';

/** A dispute: columns, statuses, and what each event does to it. */
export const disputeAggregate = defineAggregate('disputes', disputeLifecycle);
