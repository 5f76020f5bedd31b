import { defineDomainService } from '#domain-service';
import { invoiceAggregates } from './src/aggregates.ts';

/** Invoices: their topics in, their tables out. */
export const invoices = defineDomainService('invoices', invoiceAggregates);
