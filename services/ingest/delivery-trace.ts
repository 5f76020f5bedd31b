import type { Envelope } from '#envelope';
import type { PublishOutcome } from '#kafka';
import { contextBelow, deliveryContext, readTraceparent, traceparentOf } from '#platform/trace';
import type { Attributes, Span, TraceContext, Tracer } from '#platform/trace';
import { answerOf } from './answers.ts';
import type { Reason } from './answers.ts';
import { DEFAULT_ENDPOINT } from './secrets.ts';

const ROUTE = '/webhooks/razorpay';
const NAME = `POST ${ROUTE}`;

/**
 * The spans of one authentic delivery: its own, and that of sending its record. Most are not kept: of those nothing is
 * made and nothing travels, until it is known that one is.
 */
export class DeliveryTrace {
  readonly isSampled: boolean;
  readonly #tracer: Tracer;
  readonly #given: TraceContext | undefined;
  readonly #envelope: Envelope;
  readonly #startedAt: number;
  readonly #sentAt: number;
  #context: TraceContext | undefined;
  #delivery: Span | undefined;

  /** As of `beginDelivery`. */
  constructor(tracer: Tracer, envelope: Envelope, startedAt: number) {
    this.#tracer = tracer;
    this.#given = envelope.traceparent === null ? undefined : readTraceparent(envelope.traceparent);
    this.#envelope = envelope;
    this.#startedAt = startedAt;
    this.#sentAt = performance.now();
    this.isSampled = this.#given?.isSampled ?? tracer.samples();
  }

  /** Of the sending: W3C trace context for the records. Null where whoever reads them makes the same one. */
  get carried(): string | null {
    return this.isSampled || this.#given !== undefined ? traceparentOf(this.#sending()) : null;
  }

  get traceId(): string {
    return this.#sending().traceId;
  }

  published(topic: string, outcome: PublishOutcome): void {
    if (outcome === 'durable' && !this.isSampled) return;
    const envelope = this.#envelope;
    const [context, parent] = [this.#sending(), this.#own()];
    this.#tracer.start({ name: `send ${topic}`, kind: 'producer', parent, startedAt: this.#sentAt, context }).end({
      attributes: () => ({
        'messaging.system': 'kafka',
        'messaging.operation.name': 'send',
        'messaging.operation.type': 'send',
        'messaging.destination.name': topic,
        'messaging.kafka.message.key': envelope.key,
        'dakia.event.id': envelope.eventId,
        'dakia.outcome': outcome,
      }),
      ...(outcome !== 'durable' && { error: outcome }),
    });
  }

  answered(endpoint: string, reason: Reason, bytes: number): void {
    if (this.isSampled || isOurError(reason)) endWith(this.#own(), endpoint, reason, bytes, this.#envelope);
  }

  #sending(): TraceContext {
    const { eventId, receivedAt } = this.#envelope;
    this.#context ??=
      this.#given === undefined
        ? { ...deliveryContext(eventId, receivedAt), isSampled: this.isSampled }
        : contextBelow(this.#given);
    return this.#context;
  }

  /** The delivery's own span. Its sending is below it in the same trace. */
  #own(): Span {
    this.#delivery ??= this.#tracer.start({
      name: NAME,
      kind: 'server',
      parent: this.#given,
      startedAt: this.#startedAt,
      context: contextBelow(this.#sending()),
    });
    return this.#delivery;
  }
}

/**
 * Begins when a delivery has proved to be authentic: nobody else has a say in which traces are kept. `envelope` has the
 * `traceparent` header that it came with; `startedAt`: when its headers were there, on the clock of performance.now().
 */
export const beginDelivery = (tracer: Tracer, envelope: Envelope, startedAt: number): DeliveryTrace =>
  new DeliveryTrace(tracer, envelope, startedAt);

/**
 * A delivery that got no further than to an answer: refused by its headers or its signature, or not taken in. Answers
 * its trace.
 */
export const traceUnread = (
  tracer: Tracer,
  endpoint: string,
  reason: Reason,
  bytes: number,
  startedAt: number,
): Pick<Span, 'traceId'> => {
  const span = tracer.start({ name: NAME, kind: 'server', startedAt });
  endWith(span, endpoint, reason, bytes, undefined);
  return span;
};

/** By the conventions of HTTP only what the server is to blame for is an error of its span. */
const isOurError = (reason: Reason): boolean => answerOf(reason).outcome === 'unavailable';

const endWith = (span: Span, endpoint: string, reason: Reason, bytes: number, sent: Envelope | undefined): void => {
  const { outcome, status } = answerOf(reason);
  span.end({
    attributes: () => ({
      'http.request.method': 'POST',
      'http.route': ROUTE,
      'url.path': endpoint === DEFAULT_ENDPOINT ? ROUTE : `${ROUTE}/${endpoint}`,
      'url.scheme': 'http',
      'http.response.status_code': status,
      'http.request.body.size': bytes,
      'dakia.endpoint': endpoint,
      'dakia.outcome': outcome,
      'dakia.reason': reason,
      ...(sent !== undefined && eventAttributes(sent)),
    }),
    ...(isOurError(reason) && { error: reason }),
  });
};

const eventAttributes = (envelope: Envelope): Attributes => ({
  'dakia.event.id': envelope.eventId,
  'dakia.event.name': envelope.kind === 'event' ? envelope.event : undefined,
  'dakia.family': envelope.kind === 'event' ? envelope.family : undefined,
  'dakia.entity.key': envelope.key,
});
