import type { IncomingMessage } from 'node:http';
import { familySpec, QUARANTINE_TOPIC } from '#catalogue';
import { encodeEnvelope, readSignature, toEnvelopes, usableId, verify } from '#envelope';
import type { Delivery, Envelope, WebhookSecret } from '#envelope';
import type { EventProducer, PublishOutcome, Reluctance } from '#kafka';
import type { Logger } from '#platform/log';
import { traceIdOf } from '#platform/trace';
import type { Tracer } from '#platform/trace';
import { now, within } from '#platform/time';
import type { Admission } from './admission.ts';
import type { Reason } from './answers.ts';
import type { About } from './delivery-log.ts';
import { beginDelivery } from './delivery-trace.ts';
import type { DeliveryTrace } from './delivery-trace.ts';
import type { IngestMetrics } from './metrics.ts';
import { readBody } from './read-body.ts';

/** Every delivery is answered this many ms after its headers; Razorpay waits for 5 s. */
const DEADLINE_MS = 3_500;

export interface ReceiveOptions {
  readonly secretsOf: (endpoint: string) => readonly WebhookSecret[] | undefined;
  /** `reluctance`, where there is one, is asked before any work is done. */
  readonly producer: EventProducer & { readonly reluctance?: () => Reluctance | undefined };
  /** The registry's id of the envelope's schema, or UNKNOWN_SCHEMA_ID. */
  readonly schemaId: () => number;
  readonly admission: Admission;
  /** Largest body, in bytes. */
  readonly bodyBytesMax: number;
  readonly metrics: IngestMetrics;
  readonly log: Logger;
  readonly tracer: Tracer | undefined;
}

/** What came of one request. `bytes`: of its body, as far as it was read. */
export interface Received {
  readonly reason: Reason;
  readonly bytes: number;
  /** Of an authentic delivery, where traces are on. */
  readonly trace?: DeliveryTrace | undefined;
  /** Of an authentic delivery: what was to go to Kafka. */
  readonly envelope?: Envelope;
}

/** `startedAt`: when the headers were there, on the clock of performance.now(). */
export type Receive = (request: IncomingMessage, endpoint: string, startedAt: number) => Promise<Received>;

/** Decided before the body was read. */
export const unread = (reason: Reason): Received => ({ reason, bytes: 0 });

/** One delivery, in the order in which things happen. Whatever costs least refuses first. */
export const createReceive = ({
  secretsOf,
  producer,
  schemaId,
  admission,
  bodyBytesMax,
  metrics,
  log,
  tracer,
}: ReceiveOptions): Receive => {
  /** Bodies are only kept while this runs, so a delivery holds its place until it is answered. */
  const receive: Receive = async (request, endpoint, startedAt) => {
    const deadline = performance.now() + DEADLINE_MS;
    const secrets = secretsOf(endpoint);
    if (secrets === undefined) return unread('endpoint-unknown');
    const signature = onceOf(request.headers['x-razorpay-signature']);
    const read = readSignature(signature);
    if (typeof read === 'string') return unread(`signature-${read}`);
    const announced = announcedBytes(request);
    if (announced !== undefined && announced > bodyBytesMax) return unread('too-large');
    const reluctance = producer.reluctance?.();
    if (reluctance !== undefined) return unread(reluctance === 'closing' ? 'draining' : reluctance);
    const place = admission.enter(announced);
    if (typeof place === 'string') return unread(place);
    try {
      const body = await readBody(request, {
        maxBytes: bodyBytesMax,
        withinMs: deadline - performance.now(),
        place,
      });
      if (typeof body === 'string') return unread(body);
      const verification = verify(body, read, secrets);
      if (!verification.ok) return { reason: `signature-${verification.reason}`, bytes: body.length };
      metrics.verified(endpoint, verification.position);
      if (!place.keep()) return { reason: 'requests-full', bytes: body.length };
      const authentic = { endpoint, rawBody: body, secretPosition: verification.position + 1 };
      return { ...(await store(request, authentic, deadline, startedAt)), bytes: body.length };
    } finally {
      place.leave();
    }
  };

  const store = async (
    request: IncomingMessage,
    authentic: Pick<Delivery, 'endpoint' | 'rawBody' | 'secretPosition'>,
    deadline: number,
    startedAt: number,
  ): Promise<Omit<Received, 'bytes'>> => {
    const made = toEnvelopes({
      ...authentic,
      receivedAt: now(),
      eventIdHeader: onceOf(request.headers['x-razorpay-event-id']),
      traceparent: textOf(request.headers['traceparent']),
    });
    const trace = tracer && beginDelivery(tracer, made[0], startedAt);
    const envelopes = trace === undefined ? made : withContext(made, trace.carried);
    const [envelope, ...sightings] = envelopes;
    const published = publishAll(producer, envelopes, schemaId());
    // The producer has a deadline of its own; what reading the body took is not in it.
    const outcome = (await within(deadline - performance.now(), published)) ?? 'unknown';
    trace?.published(topicOf(envelope), outcome);
    if (log.isLevelEnabled('debug')) logDelivery(log, envelope, outcome, trace);
    if (outcome !== 'durable')
      return { reason: outcome === 'overloaded' ? 'overloaded' : 'not-durable', envelope, trace };
    metrics.routed(envelope);
    for (const sighting of sightings) metrics.sighted(sighting);
    return { reason: envelope.kind === 'event' ? 'durable' : 'quarantined', envelope, trace };
  };

  return receive;
};

type Envelopes = ReturnType<typeof toEnvelopes>;
/** What goes to Kafka, with the trace context that it is to carry. Of most that is the one that they have: none. */
const withContext = (envelopes: Envelopes, traceparent: string | null): Envelopes => {
  const [first, ...others] = envelopes;
  if (first.traceparent === traceparent) return envelopes;
  return [{ ...first, traceparent }, ...others.map((one) => ({ ...one, traceparent }))];
};

/** Durable when every record is. Those of a delivery that is not are repeated with it, which is harmless. */
const publishAll = (
  producer: EventProducer,
  envelopes: readonly [Envelope, ...Envelope[]],
  schemaId: number,
): Promise<PublishOutcome> => {
  const publish = (envelope: Envelope): Promise<PublishOutcome> =>
    producer.publish(topicOf(envelope), encodeEnvelope(envelope, schemaId));
  const [envelope, ...sightings] = envelopes;
  if (sightings.length === 0) return publish(envelope);
  return Promise.all(envelopes.map(publish)).then(
    (outcomes) => outcomes.find((outcome) => outcome !== 'durable') ?? 'durable',
  );
};

const logDelivery = (
  log: Logger,
  envelope: Envelope,
  outcome: PublishOutcome,
  trace: DeliveryTrace | undefined,
): void =>
  log.debug(
    {
      endpoint: envelope.endpoint,
      ...aboutEnvelope(envelope),
      ...(trace !== undefined && { traceId: trace.traceId }),
      bytes: envelope.rawBody.length,
      outcome,
    },
    'delivery',
  );

/** What a log line says of a delivery that is refused or not taken. */
export const aboutDelivery = ({ headers }: IncomingMessage, { envelope }: Received): About =>
  envelope === undefined ? { claimedId: usableId(onceOf(headers['x-razorpay-event-id'])) } : aboutEnvelope(envelope);

const aboutEnvelope = (envelope: Envelope): About => ({
  eventId: envelope.eventId,
  event: envelope.event,
  ...(envelope.kind === 'event' && { family: envelope.family }),
  key: envelope.key,
  traceId: traceIdOf(envelope.traceparent),
});

const topicOf = (envelope: Envelope): string =>
  envelope.kind === 'event' ? familySpec(envelope.family).topic : QUARANTINE_TOPIC;

/** The Content-Length; undefined for a body that comes in chunks, whose length nobody has said. */
const announcedBytes = ({ headers }: IncomingMessage): number | undefined => {
  const bytes = headers['content-length'];
  return bytes === undefined ? undefined : Number(bytes);
};

const textOf = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header.join(', ') : header;

/**
 * A header that came several times, each time the same, is one.
 * Otherwise Node joins them with commas, which no check lets pass.
 */
const onceOf = (header: string | string[] | undefined): string | undefined => {
  const text = textOf(header);
  if (text?.includes(', ') !== true) return text;
  const [first, ...others] = text.split(', ');
  return others.every((other) => other === first) ? first : text;
};
