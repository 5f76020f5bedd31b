import { invoiceAggregates } from '#families';
import { defineDomainService } from '../domain-service.ts';

/** Invoices: their topics in, their tables out. */
export const invoices = defineDomainService('invoices', invoiceAggregates);
