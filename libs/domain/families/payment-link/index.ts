import { defineAggregate } from '../aggregate.ts';
import { paymentLinkLifecycle } from './lifecycle.ts';

/** A payment link: columns, statuses, and what each event does to it. */
export const paymentLinkAggregate = defineAggregate('payment_links', paymentLinkLifecycle);
