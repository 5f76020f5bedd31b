import { accountAggregates } from './of-accounts.ts';
import { disputeAggregates } from './of-disputes.ts';
import { invoiceAggregates } from './of-invoices.ts';
import { linkAggregates } from './of-links.ts';
import { paymentAggregates } from './of-payments.ts';
import { refundAggregates } from './of-refunds.ts';

/** Every family's rule, for what spans services: verification, docs, tests. */
export const allAggregates = [
  ...paymentAggregates,
  ...disputeAggregates,
  ...refundAggregates,
  ...accountAggregates,
  ...linkAggregates,
  ...invoiceAggregates,
] as const;
