import type { EventIn } from '#catalogue';
import { onStatusChangeOrPartPayment, UNKNOWN } from '#rules';
import type { Lifecycle } from '#rules';
import { amountPaid } from '../columns.ts';
import { invoiceEnds, invoiceFields, invoiceStatuses } from './fields.ts';
import type { InvoiceStatus } from './fields.ts';
import { invoiceTransitions } from './transitions.ts';

export const invoiceLifecycle: Lifecycle<InvoiceStatus, EventIn<'invoices'>> = {
  statuses: invoiceStatuses,
  table: invoiceTransitions,
  fields: invoiceFields,
  shown: ({ subject }) => subject['status'],
  ends: invoiceEnds,
  contradicted: 'invoice.contradicted',
  order: (snapshot, rank) => [rank, amountPaid(snapshot), snapshot.occurredAt ?? UNKNOWN],
  facts: onStatusChangeOrPartPayment((status) =>
    status === 'draft' || status === 'issued' ? null : `invoice.${status}`,
  ),
};
