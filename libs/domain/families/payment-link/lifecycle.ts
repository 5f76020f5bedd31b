import type { EventIn } from '#catalogue';
import { onStatusChangeOrPartPayment, UNKNOWN } from '#rules';
import type { Lifecycle } from '#rules';
import { amountPaid } from '../columns.ts';
import { linkChangedAt, paymentLinkEnds, paymentLinkFields, paymentLinkStatuses } from './fields.ts';
import type { PaymentLinkStatus } from './fields.ts';
import { paymentLinkTransitions } from './transitions.ts';

export const paymentLinkLifecycle: Lifecycle<PaymentLinkStatus, EventIn<'payment_links'>> = {
  statuses: paymentLinkStatuses,
  table: paymentLinkTransitions,
  fields: paymentLinkFields,
  shown: ({ subject }) => subject['status'],
  ends: paymentLinkEnds,
  contradicted: 'payment_link.contradicted',
  age: (snapshot) => [linkChangedAt(snapshot), snapshot.occurredAt ?? UNKNOWN],
  // The envelope's time comes last: it is the link's creation, equal
  // in all its events (docs/reference/razorpay.md "Times").
  order: (snapshot, rank) => [rank, amountPaid(snapshot), linkChangedAt(snapshot), snapshot.occurredAt ?? UNKNOWN],
  facts: onStatusChangeOrPartPayment((status) => (status === 'created' ? null : `payment_link.${status}`)),
};
