import { defineAggregate } from '#store';
import { paymentLifecycle } from './domain/payment/lifecycle.ts';

export const paymentAggregate = defineAggregate('payments', paymentLifecycle);

/** What the payments service applies: one aggregate per family it owns. */
export const paymentAggregates = [paymentAggregate] as const;
