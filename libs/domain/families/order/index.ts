import { defineAggregate } from '../aggregate.ts';
import { orderLifecycle } from './lifecycle.ts';

/** An order: columns, statuses, and what each event does to it. */
export const orderAggregate = defineAggregate('orders', orderLifecycle);
