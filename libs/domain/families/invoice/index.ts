import { defineAggregate } from '../aggregate.ts';
import { invoiceLifecycle } from './lifecycle.ts';

/** An invoice: columns, statuses, and what each event does to it. */
export const invoiceAggregate = defineAggregate('invoices', invoiceLifecycle);
