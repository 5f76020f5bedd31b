import { defineAggregate } from '../aggregate.ts';
import { accountLifecycle } from './lifecycle.ts';

/** An account of a partner's merchant: columns, statuses, and what each event does to it. */
export const accountAggregate = defineAggregate('accounts', accountLifecycle);
