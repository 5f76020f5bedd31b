import { refundAggregates } from '#families';
import { defineDomainService } from '../domain-service.ts';

/** Refunds: their topics in, their tables out. */
export const refunds = defineDomainService('refunds', refundAggregates);
