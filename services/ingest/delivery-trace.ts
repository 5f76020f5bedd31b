import type { Envelope } from '#envelope';
import type { PublishOutcome } from '#platform/kafka';
import { isSampledIn, traceIdIn } from '#platform/trace';
import type { Attributes, Span, Tracer } from '#platform/trace';
import { answerOf } from './answers.ts';
import type { Reason } from './answers.ts';
import { DEFAULT_ENDPOINT } from './secrets.ts';

const ROUTE = '/webhooks/razorpay';
const NAME = `POST ${ROUTE}`;

/**
 * The spans of one authentic delivery: its own, and that of sending its record. Most are not kept, so nothing is made
 * but the context that the record has to carry, until it is known that one is.
 */
export class DeliveryTrace {
  /** Of the sending: W3C trace context for the record. */
  readonly traceparent: string;
  readonly #tracer: Tracer;
  readonly #parent: string | undefined;
  readonly #startedAt: number;
  readonly #sentAt: number;
  #delivery: Span | undefined;
  #sent: Envelope | undefined;

  /** As of `beginDelivery`. */
  constructor(tracer: Tracer, parent: string | undefined, startedAt: number) {
    this.traceparent = tracer.context(parent);
    this.#tracer = tracer;
    this.#parent = parent;
    this.#startedAt = startedAt;
    this.#sentAt = performance.now();
  }

  get isSampled(): boolean {
    return isSampledIn(this.traceparent);
  }

  get traceId(): string {
    return traceIdIn(this.traceparent);
  }

  published(topic: string, envelope: Envelope, outcome: PublishOutcome): void {
    this.#sent = envelope;
    if (outcome === 'durable' && !this.isSampled) return;
    const context = this.traceparent;
    this.#tracer
      .start({ name: `send ${topic}`, kind: 'producer', parent: this.#own(), startedAt: this.#sentAt, context })
      .end({
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
    if (this.isSampled || isOurError(reason)) endWith(this.#own(), endpoint, reason, bytes, this.#sent);
  }

  /** The delivery's own span. Its sending is below it in the same trace. */
  #own(): Span {
    this.#delivery ??= this.#tracer.start({
      name: NAME,
      kind: 'server',
      parent: this.#parent,
      startedAt: this.#startedAt,
      context: this.#tracer.context(this.traceparent),
    });
    return this.#delivery;
  }
}

/**
 * Begins when a delivery has proved to be authentic: nobody else has a say in which traces are kept. `parent`: its
 * `traceparent` header; `startedAt`: when its headers were there, on the clock of performance.now().
 */
export const beginDelivery = (tracer: Tracer, parent: string | undefined, startedAt: number): DeliveryTrace =>
  new DeliveryTrace(tracer, parent, startedAt);

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
): { readonly traceId: string } => {
  const context = tracer.context();
  if (isSampledIn(context) || isOurError(reason))
    endWith(tracer.start({ name: NAME, kind: 'server', startedAt, context }), endpoint, reason, bytes, undefined);
  return { traceId: traceIdIn(context) };
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
