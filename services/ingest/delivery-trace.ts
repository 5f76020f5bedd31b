import type { Envelope } from '#envelope';
import type { PublishOutcome } from '#platform/kafka';
import type { Attributes, Span, Tracer } from '#platform/trace';
import { answerOf } from './answers.ts';
import type { Reason } from './answers.ts';
import { DEFAULT_ENDPOINT } from './secrets.ts';

const ROUTE = '/webhooks/razorpay';
const NAME = `POST ${ROUTE}`;

/**
 * The spans of one authentic delivery: its own, and that of sending its record. Most are not kept, so of those nothing
 * is made but what their record has to carry.
 */
export class DeliveryTrace {
  readonly delivery: Span;
  /** The sending of its record. */
  readonly publish: Span;
  #sent: Envelope | undefined;

  /** As of `beginDelivery`. */
  constructor(tracer: Tracer, parent: string | undefined, startedAt: number) {
    this.delivery = tracer.start({ name: NAME, kind: 'server', parent, startedAt });
    this.publish = tracer.start({ name: 'send', kind: 'producer', parent: this.delivery });
  }

  published(topic: string, envelope: Envelope, outcome: PublishOutcome): void {
    this.#sent = envelope;
    if (outcome === 'durable' && !this.publish.isSampled) return;
    this.publish.end({
      name: `send ${topic}`,
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
    endWith(this.delivery, endpoint, reason, bytes, this.#sent);
  }
}

/**
 * Begins when a delivery has proved to be authentic: nobody else has a say in which traces are kept. `parent`: its
 * `traceparent` header; `startedAt`: when its headers were there, on the clock of performance.now().
 */
export const beginDelivery = (tracer: Tracer, parent: string | undefined, startedAt: number): DeliveryTrace =>
  new DeliveryTrace(tracer, parent, startedAt);

/** A delivery that got no further than to an answer: refused by its headers or its signature, or not taken in. */
export const traceUnread = (
  tracer: Tracer,
  endpoint: string,
  reason: Reason,
  bytes: number,
  startedAt: number,
): { readonly delivery: Span } => {
  const delivery = tracer.start({ name: NAME, kind: 'server', startedAt });
  endWith(delivery, endpoint, reason, bytes, undefined);
  return { delivery };
};

const endWith = (span: Span, endpoint: string, reason: Reason, bytes: number, sent: Envelope | undefined): void => {
  const { outcome, status } = answerOf(reason);
  // By the conventions of HTTP only what the server is to blame for is an error of its span.
  const isError = outcome === 'unavailable';
  if (!span.isSampled && !isError) return;
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
    ...(isError && { error: reason }),
  });
};

const eventAttributes = (envelope: Envelope): Attributes => ({
  'dakia.event.id': envelope.eventId,
  'dakia.event.name': envelope.kind === 'event' ? envelope.event : undefined,
  'dakia.family': envelope.kind === 'event' ? envelope.family : undefined,
  'dakia.entity.key': envelope.key,
});
