import type { Disposition } from '#rules';
import { asKept, deliveryContext, traceparentOf } from '#platform/trace';
import type { Span, TraceContext, Tracer } from '#platform/trace';
import type { Range } from './apply-ranges.ts';
import { deliveryIdOf } from './arrival.ts';
import type { Arrival } from './arrival.ts';
import type { Decision } from './reduce-events.ts';

/**
 * The events of a range as work under way, each in the trace of its delivery. Where traces are off, the range as it is.
 */
export const withSpans = (tracer: Tracer | undefined, arrivals: readonly Arrival[]): readonly Arrival[] =>
  tracer === undefined
    ? arrivals
    : arrivals.map((arrival) => ({
        ...arrival,
        span: tracer.start({
          name: `process ${arrival.topic}`,
          kind: 'consumer',
          parent: arrival.traceparent ?? (() => unsampled(arrival)),
        }),
      }));

/** Of what sent a record that carries no trace context, because it was not sampled. */
const unsampled = (arrival: Arrival): TraceContext => deliveryContext(deliveryIdOf(arrival), arrival.receivedAt);

/** The trace context that what follows from an event goes on with: facts, retries, log lines. */
export const contextOf = ({ span, traceparent }: Pick<Arrival, 'span' | 'traceparent'>): string | null =>
  span?.traceparent ?? traceparent;

/** Of an event that waits: whatever becomes of it will be looked for, so the rest of its way is kept. */
export const parkedContextOf = (arrival: Arrival): string | null => {
  const context = contextOf(arrival);
  return context === null ? null : asKept(context);
};

/** What somebody will look for, whether its trace is sampled or not. */
const failures: ReadonlySet<Disposition> = new Set(['parked', 'dead']);

/**
 * Ends the spans of events whose decisions are committed. `within`:
 * the span of the transaction, or of the job that it was made in.
 */
export const endEvents = (decisions: readonly Decision[], within: Span | undefined): void => {
  for (const { arrival, disposition } of decisions)
    arrival.span?.end({
      attributes: () => ({
        ...placeOf(arrival),
        'dakia.event.id': arrival.eventId,
        'dakia.event.name': arrival.eventType,
        ...(arrival.task.kind === 'apply' && {
          'dakia.family': arrival.task.family,
          'dakia.entity.key': arrival.task.key,
        }),
        'dakia.disposition': disposition,
      }),
      ...(within !== undefined && { links: [within.traceparent] }),
      // Another body has its event id: somebody has to look at who sends it.
      keep: arrival.claimedId !== undefined,
      ...(failures.has(disposition) && { error: disposition }),
    });
};

const placeOf = ({ topic, partition, offset }: Arrival): Readonly<Record<string, string | number>> => ({
  'messaging.system': 'kafka',
  'messaging.operation.name': 'process',
  'messaging.operation.type': 'process',
  'messaging.destination.name': topic,
  'messaging.destination.partition.id': String(partition),
  'messaging.kafka.offset': Number(offset),
});

/**
 * The span of one transaction over many events: it is of no delivery's trace, and links to all that it has a share in.
 */
export interface TransactionSpan {
  readonly span: Span;
  readonly applied: (decisions: readonly Decision[]) => void;
  /** `reason`: in a few fixed words. */
  readonly failed: (reason: string) => void;
}

/** Kept when one of its events is. */
export const beginTransaction = (
  tracer: Tracer | undefined,
  group: string,
  ranges: readonly Range[],
): TransactionSpan | undefined => {
  if (tracer === undefined) return undefined;
  const arrivals = ranges.flatMap((range) => range.arrivals);
  const sampled = arrivals.filter(({ span }) => span?.isSampled === true);
  const span = tracer.start({ name: `commit ${group}`, kind: 'consumer', isSampled: sampled.length > 0 });
  const attributes = () => ({
    'messaging.system': 'kafka',
    'messaging.operation.name': 'commit',
    'messaging.operation.type': 'process',
    'messaging.consumer.group.name': group,
    'messaging.batch.message_count': arrivals.length,
    'db.system.name': 'postgresql',
    'dakia.partitions': ranges.length,
  });
  return {
    span,
    applied: (decisions) => {
      const failing = decisions.filter(({ disposition }) => failures.has(disposition)).map(({ arrival }) => arrival);
      span.end({ attributes, links: linksTo([...failing, ...sampled]), keep: failing.length > 0 });
    },
    failed: (reason) => span.end({ attributes, links: linksTo(arrivals), error: reason }),
  };
};

/** To the spans that sent the records. */
const linksTo = (arrivals: readonly Arrival[]): readonly string[] => [
  ...new Set(arrivals.map((arrival) => arrival.traceparent ?? traceparentOf(unsampled(arrival)))),
];
