import type { EventIn } from '#catalogue';
import type { Lifecycle } from '#rules';
import { keptFields, keptStatuses, newness } from './fields.ts';
import type { KeptStatus } from './fields.ts';
import { keptTransitions } from './transitions.ts';

/**
 * The newest snapshot counts, and each event is told under its own
 * name: nothing is known of what any of them may follow.
 */
export const keptLifecycle: Lifecycle<KeptStatus, EventIn<'kept'>> = {
  statuses: keptStatuses,
  table: keptTransitions,
  fields: keptFields,
  shown: () => null,
  ends: [],
  contradicted: null,
  age: newness,
  order: newness,
  facts: () => [],
  keeps: ({ event, stamp }) => [{ kind: 'event.kept', occurrence: `${event}:${stamp.eventId}` }],
};
