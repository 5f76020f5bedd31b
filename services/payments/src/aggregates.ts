import { defineAggregate } from '#store';
import { downtimeLifecycle } from './domain/downtime/lifecycle.ts';
import { orderLifecycle } from './domain/order/lifecycle.ts';
import { paymentLifecycle } from './domain/payment/lifecycle.ts';

export const paymentAggregate = defineAggregate('payments', paymentLifecycle);
export const orderAggregate = defineAggregate('orders', orderLifecycle);
export const downtimeAggregate = defineAggregate('downtimes', downtimeLifecycle);

/** What the payments service applies: one aggregate per family it owns. */
export const paymentAggregates = [paymentAggregate, orderAggregate, downtimeAggregate] as const;
