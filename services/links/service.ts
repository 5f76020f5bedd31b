import { linkAggregates } from '#families';
import { defineDomainService } from '../domain-service.ts';

/** Payment links: their topics in, their tables out. */
export const links = defineDomainService('links', linkAggregates);
