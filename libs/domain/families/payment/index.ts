import { defineAggregate } from '../aggregate.ts';
import { paymentLifecycle } from './lifecycle.ts';

/** A payment: columns, statuses, and what each event does to it. */
export const paymentAggregate = defineAggregate('payments', paymentLifecycle);
