import { defineAggregate } from '../aggregate.ts';
import { keptLifecycle } from './lifecycle.ts';

/** What an event is about that is kept as it is: its newest snapshot, and where it belongs. */
export const keptAggregate = defineAggregate('kept', keptLifecycle);
