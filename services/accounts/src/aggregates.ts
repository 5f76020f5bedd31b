import { defineAggregate } from '#store';
import { accountLifecycle } from './domain/account/lifecycle.ts';
import { validationLifecycle } from './domain/validation/lifecycle.ts';

export const accountAggregate = defineAggregate('accounts', accountLifecycle);
export const validationAggregate = defineAggregate('fund_accounts', validationLifecycle);

/** What the accounts service applies: one aggregate per family it owns. */
export const accountAggregates = [accountAggregate, validationAggregate] as const;
