import { defineAggregate } from './aggregate.ts';
import { downtimeLifecycle } from './downtime/lifecycle.ts';
import { orderLifecycle } from './order/lifecycle.ts';
import { paymentLifecycle } from './payment/lifecycle.ts';

export const paymentAggregate = defineAggregate('payments', paymentLifecycle);
export const orderAggregate = defineAggregate('orders', orderLifecycle);
export const downtimeAggregate = defineAggregate('downtimes', downtimeLifecycle);

/** What the payments service applies: one aggregate per family it owns. */
export const paymentAggregates = [paymentAggregate, orderAggregate, downtimeAggregate] as const;
