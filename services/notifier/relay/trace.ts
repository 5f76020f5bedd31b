import { notifyQueueOf } from '#platform/queue';
import type { Tracer } from '#platform/trace';
import type { ToPlan } from '../store/notification-store.ts';
import type { PlannedFacts } from './plan-facts.ts';

/** The giving of a notification to its queue, in the trace of what it tells. Where traces are off, as it is. */
export const withSpan = (tracer: Tracer | undefined, toPlan: ToPlan): ToPlan =>
  tracer === undefined
    ? toPlan
    : {
        ...toPlan,
        span: tracer.start({
          name: `send ${notifyQueueOf(toPlan.planned.destination)}`,
          kind: 'producer',
          parent: toPlan.fact.traceparent,
        }),
      };

/** Ends the spans of notifications whose rows are committed; those that were planned before have theirs. */
export const endPlanned = ({ planned, requests }: Pick<PlannedFacts, 'planned' | 'requests'>): void => {
  const made = new Set(requests.map(({ id }) => id));
  for (const { fact, planned: notification, span } of planned) {
    if (span === undefined || !made.has(notification.id)) continue;
    span.end({
      attributes: () => ({
        'messaging.system': 'bullmq',
        'messaging.operation.name': 'send',
        'messaging.operation.type': 'send',
        'messaging.destination.name': notifyQueueOf(notification.destination),
        'messaging.message.id': notification.id,
        'dakia.event.id': fact.eventId ?? undefined,
        'dakia.fact': fact.kind,
        'dakia.family': fact.family,
        'dakia.entity.key': fact.entityKey,
      }),
    });
  }
};
