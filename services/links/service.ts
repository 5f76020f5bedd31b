import { defineDomainService } from '#domain-service';
import { linkAggregates } from './src/aggregates.ts';

/** Payment links: their topics in, their tables out. */
export const links = defineDomainService('links', linkAggregates);
