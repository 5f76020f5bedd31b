import type { EventName, Family, SightedPart } from '#catalogue';
import type { EntityId, EventId, Instant } from '#rules';

export interface EnvelopeBase {
  readonly eventId: EventId;
  /** The Kafka key. For a quarantined delivery the event id. */
  readonly key: EntityId;
  /** Name of the configured endpoint that received the delivery; `default` for /webhooks/razorpay. */
  readonly endpoint: string;
  readonly accountId: string | null;
  /** The body's `created_at`, identical on every retry; null when it has none that is usable. */
  readonly occurredAt: Instant | null;
  readonly receivedAt: Instant;
  /** W3C trace context of the delivery; null when there was none. */
  readonly traceparent: string | null;
  /** Which of the endpoint's secrets signed it, the first is 1; left out where that is not known. */
  readonly secretPosition?: number;
  /** Exactly the bytes that were signed. */
  readonly rawBody: Uint8Array;
}

/** A delivery that the catalogue understands, as it travels in its family's topic. */
export interface EventEnvelope extends EnvelopeBase {
  readonly kind: 'event';
  readonly event: EventName;
  /** Of the entity that `key` names: the event's own, or that of a sighting. */
  readonly family: Family;
  /**
   * Set for a snapshot that stood beside the event's subject: the key
   * below `payload` where it stands. Left out: the event itself.
   */
  readonly sighting?: SightedPart;
}

/** An authentic delivery that is not understood, as it travels in the quarantine topic. */
export interface QuarantineEnvelope extends EnvelopeBase {
  readonly kind: 'quarantine';
  /** The body's own event name, where it has one. */
  readonly event: string | null;
  /**
   * A QuarantineReason; any text when a newer release has written the
   * record. For people and labels, nothing is decided by it.
   */
  readonly reason: string;
  /** Set for a sighting that this release does not know: the key below `payload` where it stands. */
  readonly sighting?: string;
}

export type Envelope = EventEnvelope | QuarantineEnvelope;

/** An envelope, encoded: what a producer sends. Header values are text. */
export interface KafkaRecord {
  readonly key: string;
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}
