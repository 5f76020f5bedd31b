import { defineDomainService } from '#domain-service';
import { disputeAggregates } from './src/aggregates.ts';

/** Disputes: their topics in, their tables out. */
export const disputes = defineDomainService('disputes', disputeAggregates);
