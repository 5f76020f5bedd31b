import type { EventIn } from '#catalogue';
import type { TransitionTable } from '#rules';
import type { InvoiceStatus } from './fields.ts';

const partiallyPaid = { to: 'partially_paid' } as const;
const expired = { to: 'expired' } as const;
const paid = { to: 'paid' } as const;

/**
 * Where each event leads. A status is left only for a higher one (fields.ts says why
 * they stand as they do); what comes late is stale: it may fill gaps and raise the
 * amount paid, it moves nothing. Every partial payment stays in `partially_paid`.
 */
export const invoiceTransitions: TransitionTable<InvoiceStatus, EventIn<'invoices'>> = {
  absent: { 'invoice.paid': paid, 'invoice.partially_paid': partiallyPaid, 'invoice.expired': expired },
  draft: { 'invoice.paid': paid, 'invoice.partially_paid': partiallyPaid, 'invoice.expired': expired },
  issued: { 'invoice.paid': paid, 'invoice.partially_paid': partiallyPaid, 'invoice.expired': expired },
  partially_paid: { 'invoice.paid': paid, 'invoice.partially_paid': partiallyPaid, 'invoice.expired': expired },
  expired: { 'invoice.paid': paid, 'invoice.partially_paid': 'stale', 'invoice.expired': expired },
  cancelled: { 'invoice.paid': paid, 'invoice.partially_paid': 'stale', 'invoice.expired': 'stale' },
  deleted: { 'invoice.paid': paid, 'invoice.partially_paid': 'stale', 'invoice.expired': 'stale' },
  paid: { 'invoice.paid': paid, 'invoice.partially_paid': 'stale', 'invoice.expired': 'stale' },
};
