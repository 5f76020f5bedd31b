import { eventsOf } from '#catalogue';
import type { EventIn } from '#catalogue';
import type { Move, TransitionTable } from '#rules';
import type { KeptStatus } from './fields.ts';

const kept = { to: 'kept' } as const;
/** All rows are alike: no event of the family leads anywhere else. */
const row = Object.fromEntries(eventsOf('kept').map((event) => [event, kept])) as {
  readonly [Name in EventIn<'kept'>]: Move<KeptStatus>;
};

export const keptTransitions: TransitionTable<KeptStatus, EventIn<'kept'>> = { absent: row, kept: row };
