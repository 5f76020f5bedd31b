declare const brand: unique symbol;
/** A primitive that the compiler keeps apart from others of its kind. */
export type Branded<Value, Name extends string> = Value & { readonly [brand]: Name };

/** Milliseconds since 1970, UTC. Razorpay's own times are epoch seconds; they are converted once, at the edge. */
export type Instant = Branded<number, 'Instant'>;
/** Razorpay's `X-Razorpay-Event-Id`, or the one derived from the body when the header is missing. */
export type EventId = Branded<string, 'EventId'>;
/** The id of what an event is about; the Kafka key, and with the family the primary key of a state row. */
export type EntityId = Branded<string, 'EntityId'>;

export const instant = (ms: number): Instant => ms as Instant;
export const eventId = (text: string): EventId => text as EventId;
export const entityId = (text: string): EntityId => text as EntityId;

/** Razorpay's epoch seconds as an `Instant`. */
export const fromEpochSeconds = (seconds: number): Instant => instant(seconds * 1000);
