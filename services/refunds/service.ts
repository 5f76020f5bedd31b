import { defineDomainService } from '#domain-service';
import { refundAggregates } from './src/aggregates.ts';

/** Refunds: their topics in, their tables out. */
export const refunds = defineDomainService('refunds', refundAggregates);
