import type { Field } from './field.ts';
import { extreme } from './lifecycle.ts';
import type { EntityState } from './lifecycle.ts';

/** Ids of the events that a state's statuses and stamped values came from. */
export const sourcesOf = ({ marks, stamps }: EntityState): ReadonlySet<string> =>
  new Set([...Object.values(marks).map(({ stamp }) => stamp), ...Object.values(stamps)].map(({ eventId }) => eventId));

/**
 * A state made anew of all events that are kept, for a row whose every source is among them:
 * what an earlier release read otherwise gives way. Of values without a source (`highest`,
 * `lowest`, `ever`) nobody knows whether theirs is still kept, so the row's counts as well.
 */
export const withExtremesOf = (
  fields: Readonly<Record<string, Field>>,
  row: EntityState,
  anew: EntityState,
): EntityState => {
  const values = { ...anew.values };
  for (const [name, { rule }] of Object.entries(fields)) {
    const known = row.values[name];
    if (known === undefined || known === null || (rule !== 'highest' && rule !== 'lowest' && rule !== 'ever')) continue;
    values[name] = extreme(rule, values[name], known);
  }
  return { ...anew, values };
};
