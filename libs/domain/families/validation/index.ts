import { defineAggregate } from '../aggregate.ts';
import { validationLifecycle } from './lifecycle.ts';

/** A validation of a fund account: columns, statuses, and what each event does to it. */
export const validationAggregate = defineAggregate('fund_accounts', validationLifecycle);
