import type { EventIn } from '#catalogue';
import { highestMark, onOccurrence, readTime, statusIn, UNKNOWN } from '#rules';
import type { EntityState, Fact, Lifecycle, Snapshot } from '#rules';
import { downtimeFields, downtimeStatuses } from './fields.ts';
import type { DowntimeStatus } from './fields.ts';
import { downtimeTransitions } from './transitions.ts';

const readStatus = statusIn(downtimeStatuses);

/** A downtime has an `updated_at` of its own, which says which of two updates is the newer better than the envelope does. */
const byRankThenUpdate = ({ subject, occurredAt }: Snapshot, rank: number): readonly number[] => [
  rank,
  readTime(subject['updated_at']) ?? UNKNOWN,
  occurredAt ?? UNKNOWN,
];

/**
 * Each update is news (severity decides between hiding and warning, docs/reference/razorpay.md "Entities"), the other
 * states come once.
 */
const factOf = ({ status, marks }: EntityState<DowntimeStatus>): Fact => ({
  kind: `downtime.${status}`,
  occurrence: status === 'updated' ? highestMark(marks).stamp.eventId : '',
});

export const downtimeLifecycle: Lifecycle<DowntimeStatus, EventIn<'downtimes'>> = {
  statuses: downtimeStatuses,
  table: downtimeTransitions,
  fields: downtimeFields,
  shown: ({ subject }) => readStatus(subject['status']),
  order: byRankThenUpdate,
  facts: onOccurrence(factOf),
};
