import { defineAggregate } from './aggregate.ts';
import { paymentLinkLifecycle } from './payment-link/lifecycle.ts';

export const paymentLinkAggregate = defineAggregate('payment_links', paymentLinkLifecycle);

/** What the links service applies: one aggregate per family it owns. */
export const linkAggregates = [paymentLinkAggregate] as const;
