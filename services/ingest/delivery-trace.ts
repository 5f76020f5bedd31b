import type { Envelope } from '#envelope';
import type { PublishOutcome } from '#platform/kafka';
import type { Attributes, Span, Tracer } from '#platform/trace';
import { answerOf } from './answers.ts';
import type { Reason } from './answers.ts';
import { DEFAULT_ENDPOINT } from './secrets.ts';

/** The spans of one authentic delivery. */
export interface DeliveryTrace {
  readonly delivery: Span;
  /** The sending of its record. */
  readonly publish: Span;
  readonly published: (topic: string, envelope: Envelope, outcome: PublishOutcome) => void;
  readonly answered: (endpoint: string, reason: Reason, bytes: number) => void;
}

const ROUTE = '/webhooks/razorpay';
const NAME = `POST ${ROUTE}`;

/**
 * Begins when a delivery has proved to be authentic: nobody else has a say in which traces are kept. `parent`: its
 * `traceparent` header; `startedAt`: when its headers were there, on the clock of performance.now().
 */
export const beginDelivery = (tracer: Tracer, parent: string | undefined, startedAt: number): DeliveryTrace => {
  const delivery = tracer.start({ name: NAME, kind: 'server', parent, startedAt });
  const publish = tracer.start({ name: 'send', kind: 'producer', parent: delivery });
  let sent: Envelope | undefined;
  return {
    delivery,
    publish,
    published: (topic, envelope, outcome) => {
      sent = envelope;
      publish.end({
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
    },
    answered: (endpoint, reason, bytes) => delivery.end(endOf(endpoint, reason, bytes, sent)),
  };
};

/** A delivery that got no further than to an answer: refused by its headers or its signature, or not taken in. */
export const traceUnread = (tracer: Tracer, endpoint: string, reason: Reason, bytes: number, startedAt: number): void =>
  tracer.start({ name: NAME, kind: 'server', startedAt }).end(endOf(endpoint, reason, bytes, undefined));

const endOf = (
  endpoint: string,
  reason: Reason,
  bytes: number,
  sent: Envelope | undefined,
): Parameters<Span['end']>[0] => {
  const { outcome, status } = answerOf(reason);
  return {
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
    // By the conventions of HTTP only what the server is to blame for is an error of its span.
    ...(outcome === 'unavailable' && { error: reason }),
  };
};

const eventAttributes = (envelope: Envelope): Attributes => ({
  'dakia.event.id': envelope.eventId,
  'dakia.event.name': envelope.kind === 'event' ? envelope.event : undefined,
  'dakia.family': envelope.kind === 'event' ? envelope.family : undefined,
  'dakia.entity.key': envelope.key,
});
