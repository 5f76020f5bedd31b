import { defineAggregate } from '#store';
import { invoiceLifecycle } from './domain/invoice/lifecycle.ts';

/** What the invoices service applies: one aggregate per family it owns. */
export const invoiceAggregates = [defineAggregate('invoices', invoiceLifecycle)] as const;
