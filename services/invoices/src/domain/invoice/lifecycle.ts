import type { EventIn } from '#catalogue';
import type { Lifecycle } from '#kernel';
import { onStatusChangeOrPartPayment, statusIn, UNKNOWN } from '#kernel';
import type { InvoiceStatus } from './invoice.ts';
import { amountPaid, invoiceFields, invoiceStatuses } from './invoice.ts';
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
