import { defineDomainService } from '#domain-service';
import { accountAggregates } from './src/aggregates.ts';

/** Accounts and fund account validations: their topics in, their tables out. */
export const accounts = defineDomainService('accounts', accountAggregates);
