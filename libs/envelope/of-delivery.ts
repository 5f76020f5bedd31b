import { accountIdOf, occurredAtOf, route, sightingsIn } from '#catalogue';
import type { Routing } from '#catalogue';
import { entityId, isRecord } from '#rules';
import type { Instant } from '#rules';
import { readJsonBody } from './body.ts';
import type { Envelope, EventEnvelope, QuarantineEnvelope } from './envelope.ts';
import { eventIdOf } from './event-id.ts';

/** One authentic HTTP request, as far as it matters after its signature was verified. */
export interface Delivery {
  readonly rawBody: Uint8Array;
  /** `X-Razorpay-Event-Id`, as it came. */
  readonly eventIdHeader: string | undefined;
  readonly endpoint: string;
  readonly receivedAt: Instant;
  /** The `traceparent` header, as it came. */
  readonly traceparent: string | undefined;
  /** As in the envelope. */
  readonly secretPosition?: number | undefined;
}

/** W3C trace context, version-traceid-parentid-flags. */
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * What a delivery becomes in Kafka: the event first, then a sighting for each snapshot that stands beside its subject.
 * They share id, bytes and times; each has the key and the family of its own entity. Never throws: what the catalogue
 * does not understand is quarantined with the reason.
 */
export const toEnvelopes = (delivery: Delivery): readonly [Envelope, ...EventEnvelope[]] => {
  const body = readJsonBody(delivery.rawBody);
  const envelope = envelopeOf(delivery, body);
  if (envelope.kind === 'quarantine' || !isRecord(body)) return [envelope];
  const sightings = sightingsIn(body, envelope.event).map(
    ({ part, family, key }): EventEnvelope => ({ ...envelope, family, key, sighting: part }),
  );
  return [envelope, ...sightings];
};

const envelopeOf = (delivery: Delivery, body: unknown): EventEnvelope | QuarantineEnvelope => {
  const { rawBody, endpoint, receivedAt, traceparent, secretPosition } = delivery;
  const routing: Routing = body === undefined ? { kind: 'quarantined', reason: 'not-json', event: null } : route(body);
  const base = {
    eventId: eventIdOf(delivery.eventIdHeader, rawBody),
    endpoint,
    accountId: accountIdOf(body),
    occurredAt: occurredAtOf(body),
    receivedAt,
    traceparent: traceparent !== undefined && TRACEPARENT.test(traceparent) ? traceparent : null,
    ...(secretPosition !== undefined && { secretPosition }),
    rawBody,
  };
  return routing.kind === 'routed'
    ? { kind: 'event', ...base, event: routing.event, family: routing.family, key: routing.key }
    : { kind: 'quarantine', ...base, event: routing.event, reason: routing.reason, key: entityId(base.eventId) };
};
