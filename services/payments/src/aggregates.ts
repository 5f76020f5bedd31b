import { defineAggregate } from '#store';
import { paymentLifecycle } from './domain/payment/lifecycle.ts';

/** What the payments service applies: one aggregate per family it owns. */
export const paymentAggregates = [defineAggregate('payments', paymentLifecycle)] as const;
