import { paymentAggregates } from '#families';
import { defineDomainService } from '../domain-service.ts';

/** Payments, orders and downtimes: their topics in, their tables out. */
export const payments = defineDomainService('payments', paymentAggregates);
