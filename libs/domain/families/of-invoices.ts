import { defineAggregate } from './aggregate.ts';
import { invoiceLifecycle } from './invoice/lifecycle.ts';

export const invoiceAggregate = defineAggregate('invoices', invoiceLifecycle);

/** What the invoices service applies: one aggregate per family it owns. */
export const invoiceAggregates = [invoiceAggregate] as const;
