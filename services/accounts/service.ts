import { accountAggregates } from '#families';
import { defineDomainService } from '../domain-service.ts';

/** Accounts and fund account validations: their topics in, their tables out. */
export const accounts = defineDomainService('accounts', accountAggregates);
