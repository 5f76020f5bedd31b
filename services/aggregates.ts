import { accountAggregates } from './accounts/src/aggregates.ts';
import { disputeAggregates } from './disputes/src/aggregates.ts';
import { invoiceAggregates } from './invoices/src/aggregates.ts';
import { linkAggregates } from './links/src/aggregates.ts';
import { paymentAggregates } from './payments/src/aggregates.ts';
import { refundAggregates } from './refunds/src/aggregates.ts';

/** Every family's rule, for what spans services: verification, docs, tests. */
export const allAggregates = [
  ...paymentAggregates,
  ...disputeAggregates,
  ...refundAggregates,
  ...accountAggregates,
  ...linkAggregates,
  ...invoiceAggregates,
] as const;
