import { defineAggregate } from '../aggregate.ts';
import { downtimeLifecycle } from './lifecycle.ts';

/** A downtime of a bank, network or handle: columns, statuses, and what each event does to it. */
export const downtimeAggregate = defineAggregate('downtimes', downtimeLifecycle);
