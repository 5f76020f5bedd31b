import { notifyQueueOf } from '#platform/queue';
import type { JobData } from '#platform/queue';
import { sampledTraceOf, traceIdOf } from '#platform/trace';
import type { Tracer } from '#platform/trace';
import type { StoredNotification } from '../store/notification-store.ts';
import type { Conclusion } from './conclusion.ts';

/** An attempt to deliver, in the trace of what it tells. */
export interface DeliverySpan {
  /** For log lines; undefined where there is no trace. */
  readonly traceId: string | undefined;
  /** For exemplars; undefined where the trace is not kept. */
  readonly sampledTraceId: string | undefined;
  /** `notification` is null when its row could not be read. What was only put off has no span. */
  readonly ended: (conclusion: Conclusion, notification: StoredNotification | null) => void;
}

export const beginDelivery = (
  tracer: Tracer | undefined,
  destination: string,
  { id, data: { traceparent } }: { readonly id: string; readonly data: JobData },
): DeliverySpan => {
  const queue = notifyQueueOf(destination);
  const span = tracer?.start({ name: `process ${queue}`, kind: 'consumer', parent: traceparent });
  return {
    traceId: span?.traceId ?? traceIdOf(traceparent),
    sampledTraceId: sampledTraceOf(span),
    ended: ({ kind, attempts }, notification) =>
      span?.end({
        attributes: () => ({
          'messaging.system': 'bullmq',
          'messaging.operation.name': 'process',
          'messaging.operation.type': 'process',
          'messaging.destination.name': queue,
          'messaging.message.id': id,
          'dakia.destination': destination,
          'dakia.attempt': attempts ?? undefined,
          'dakia.outcome': kind,
          ...(notification !== null && {
            'dakia.event.id': notification.eventId ?? undefined,
            'dakia.fact': notification.kind,
            'dakia.family': notification.family,
            'dakia.entity.key': notification.entityKey,
          }),
        }),
        ...(kind !== 'delivered' && { error: kind }),
      }),
  };
};
