import { defineAggregate } from '#store';
import { paymentLinkLifecycle } from './domain/payment-link/lifecycle.ts';

/** What the links service applies: one aggregate per family it owns. */
export const linkAggregates = [defineAggregate('payment_links', paymentLinkLifecycle)] as const;
