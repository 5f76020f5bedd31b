import { familiesOf, familyNames } from '#catalogue';
import type { Family, ServiceName } from '#catalogue';
import { accountAggregate } from './account/index.ts';
import { disputeAggregate } from './dispute/index.ts';
import { downtimeAggregate } from './downtime/index.ts';
import { invoiceAggregate } from './invoice/index.ts';
import { keptAggregate } from './kept/index.ts';
import { orderAggregate } from './order/index.ts';
import { paymentAggregate } from './payment/index.ts';
import { paymentLinkAggregate } from './payment-link/index.ts';
import { refundAggregate } from './refund/index.ts';
import { validationAggregate } from './validation/index.ts';
import type { Aggregate } from './aggregate.ts';

const aggregates = {
  payments: paymentAggregate,
  orders: orderAggregate,
  downtimes: downtimeAggregate,
  disputes: disputeAggregate,
  refunds: refundAggregate,
  accounts: accountAggregate,
  fund_accounts: validationAggregate,
  payment_links: paymentLinkAggregate,
  invoices: invoiceAggregate,
  kept: keptAggregate,
} as const satisfies Record<Family, Aggregate>;

export const aggregateOf = (family: Family): Aggregate => aggregates[family];

/** Every family's rule, for what spans services: verification, docs, tests. */
export const allAggregates: readonly Aggregate[] = familyNames.map(aggregateOf);

/** What a service applies: one aggregate per family it owns. */
export const aggregatesOf = (service: ServiceName): readonly Aggregate[] => familiesOf(service).map(aggregateOf);
