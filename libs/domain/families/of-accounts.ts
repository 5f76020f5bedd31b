import { accountLifecycle } from './account/lifecycle.ts';
import { defineAggregate } from './aggregate.ts';
import { validationLifecycle } from './validation/lifecycle.ts';

export const accountAggregate = defineAggregate('accounts', accountLifecycle);
export const validationAggregate = defineAggregate('fund_accounts', validationLifecycle);

/** What the accounts service applies: one aggregate per family it owns. */
export const accountAggregates = [accountAggregate, validationAggregate] as const;
