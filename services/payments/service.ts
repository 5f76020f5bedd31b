import { defineDomainService } from '#domain-service';
import { paymentAggregates } from './src/aggregates.ts';

/** Payments, orders and downtimes: their topics in, their tables out. */
export const payments = defineDomainService('payments', paymentAggregates);
