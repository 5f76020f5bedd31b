import type { EventIn } from '#catalogue';
import { highestMark, onOccurrence, readPast, UNKNOWN } from '#rules';
import type { EntityState, Fact, Lifecycle, Snapshot } from '#rules';
import { downtimeEnds, downtimeFields, downtimeStatuses, severities } from './fields.ts';
import type { DowntimeStatus } from './fields.ts';
import { downtimeTransitions } from './transitions.ts';

/**
 * A downtime has an `updated_at` of its own, which says which of two
 * updates is the newer better than the envelope does.
 */
const age = (snapshot: Snapshot): readonly number[] => [
  readPast(snapshot.subject['updated_at'], snapshot) ?? UNKNOWN,
  snapshot.occurredAt ?? UNKNOWN,
];

/** Below the ends rank counts first, between ends the age does. */
const order = (snapshot: Snapshot, rank: number): readonly number[] => [
  downtimeEnds.some((end) => end === downtimeStatuses[rank]) ? downtimeStatuses.length : rank,
  ...age(snapshot),
  rank,
];

/**
 * Each update is news (severity decides between hiding and warning, docs/reference/razorpay.md "Entities"), the other
 * states come once.
 */
const factOf = ({ status, marks }: EntityState<DowntimeStatus>): Fact => ({
  kind: `downtime.${status}`,
  occurrence: status === 'updated' ? highestMark(marks).stamp.eventId : '',
});

/** How bad it is, by the list of severities; -1 where that is not known. */
const severityOf = ({ values }: EntityState): number => severities.findIndex((one) => one === values['severity']);

/** It became worse while it lasts. The snapshot that says so tells one such step from the next. */
const escalation = (
  before: EntityState<DowntimeStatus> | undefined,
  after: EntityState<DowntimeStatus>,
): readonly Fact[] => {
  if (before === undefined || downtimeEnds.some((end) => end === after.status)) return [];
  const [was, now] = [severityOf(before), severityOf(after)];
  const occurrence = after.stamps['severity']?.eventId ?? '';
  return was >= 0 && now > was ? [{ kind: 'downtime.escalated', occurrence }] : [];
};

export const downtimeLifecycle: Lifecycle<DowntimeStatus, EventIn<'downtimes'>> = {
  statuses: downtimeStatuses,
  table: downtimeTransitions,
  fields: downtimeFields,
  shown: ({ subject }) => subject['status'],
  ends: downtimeEnds,
  isLaterEndContrary: true,
  contradicted: 'downtime.contradicted',
  order,
  age,
  facts: (before, after) => [
    ...onOccurrence(factOf)(before, after).filter(({ kind }) => kind !== 'downtime.scheduled'),
    ...escalation(before, after),
  ],
};
