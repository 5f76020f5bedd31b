import { eventSpec } from '#catalogue';
import type { EventName, Family } from '#catalogue';
import { entityId, eventId } from '#rules';
import type { EntityId, EventId } from '#rules';
import { bodyOf } from './wire.ts';
import type { Envelope } from './wire.ts';

/** One event as Razorpay would deliver it, with what a receiver must make of it. */
export interface SimulatedEvent {
  readonly event: EventName;
  readonly family: Family;
  /** The Kafka key that the event must be routed to. */
  readonly key: EntityId;
  readonly eventId: EventId;
  /**
   * When it happened, in epoch seconds; the order of sending. The
   * body's own `created_at` can be another (payment links).
   */
  readonly at: number;
  readonly body: Buffer;
}

/** Takes the key from the parts, not from the body, so that tests of routing have something to compare with. */
export const simulatedEvent = (id: string, at: number, envelope: Envelope): SimulatedEvent => {
  const { subject, keyField, family, shape } = eventSpec(envelope.event);
  const key = shape === 'account' ? `${envelope.accountId}/${subject}` : envelope.parts[subject]?.[keyField];
  if (typeof key !== 'string')
    throw new Error(`a body of ${envelope.event} needs payload.${subject}.entity.${keyField}`);
  // Accounts are bare in some bodies and have their prefix in others: one account has one key.
  const bare = family === 'accounts' ? key.replace(/^acc_/, '') : key;
  return { event: envelope.event, family, key: entityId(bare), eventId: eventId(id), at, body: bodyOf(envelope) };
};
