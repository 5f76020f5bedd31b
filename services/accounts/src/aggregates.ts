import { defineAggregate } from '#store';
import { accountLifecycle } from './domain/account/lifecycle.ts';
import { validationLifecycle } from './domain/validation/lifecycle.ts';

/** What the accounts service applies: one aggregate per family it owns. */
export const accountAggregates = [defineAggregate('accounts', accountLifecycle), defineAggregate('fund_accounts', validationLifecycle)] as const;
