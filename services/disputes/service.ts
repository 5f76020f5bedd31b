import { disputeAggregates } from '#families';
import { defineDomainService } from '../domain-service.ts';

/** Disputes: their topics in, their tables out. */
export const disputes = defineDomainService('disputes', disputeAggregates);
