import type { EventIn } from '#catalogue';
import { onStatusChangeOrPartPayment, statusIn, UNKNOWN } from '#rules';
import type { Lifecycle } from '#rules';
import { amountPaid, invoiceFields, invoiceStatuses } from './fields.ts';
import type { InvoiceStatus } from './fields.ts';
import { invoiceTransitions } from './transitions.ts';

const readStatus = statusIn(invoiceStatuses);

export const invoiceLifecycle: Lifecycle<InvoiceStatus, EventIn<'invoices'>> = {
  statuses: invoiceStatuses,
  table: invoiceTransitions,
  fields: invoiceFields,
  shown: ({ subject }) => readStatus(subject['status']),
  order: (snapshot, rank) => [rank, amountPaid(snapshot), snapshot.occurredAt ?? UNKNOWN],
  facts: onStatusChangeOrPartPayment((status) => `invoice.${status}`),
};
