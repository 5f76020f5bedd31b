import { families } from '#catalogue';
import type { EnvelopeDecoder } from './decode.ts';
import { encodeEnvelope } from './encode.ts';
import type { Envelope, EventEnvelope, KafkaRecord } from './envelope.ts';
import { UNKNOWN_SCHEMA_ID } from './frame.ts';
import { headerText } from './headers.ts';
import type { ReceivedHeaders } from './headers.ts';
import { toEnvelopes } from './of-delivery.ts';

/** A record as it lies in Kafka. */
export interface Stored {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: ReceivedHeaders;
}

/** What becomes of a stored record: it is produced to `topic` again, or stays where it is because `reason`. */
export type Redrive =
  | {
      readonly kind: 'again';
      readonly topic: string;
      readonly record: KafkaRecord;
      readonly envelope: EventEnvelope;
      readonly cause: string;
      /** Sightings that go with it: nobody has published those of a delivery that was not understood. */
      readonly beside: readonly { readonly topic: string; readonly record: KafkaRecord }[];
    }
  | { readonly kind: 'left'; readonly envelope: Envelope | null; readonly reason: string };

/** Header: how often the record was produced again. A loop shows in it. */
const REDRIVE_COUNT = 'x-redrive-count';
/** Header of a dead letter: why its last attempt failed. */
const EXCEPTION_MESSAGE = 'x-exception-message';

/**
 * A dead letter goes to the topic of its family, which is where it came from: except for one that was replayed out of
 * the quarantine, whose own topic applies nothing. Key, bytes and headers stay as they are. Rejects only when the
 * schema registry is needed and does not answer.
 */
export const redriveDeadLetter = async (
  decoder: EnvelopeDecoder,
  { key, value, headers }: Stored,
): Promise<Redrive> => {
  const decoded = await decoder.decode(value, headers);
  if (!decoded.ok || value === null)
    return { kind: 'left', envelope: null, reason: decoded.ok ? 'it has no value' : decoded.issues.join('; ') };
  const envelope = decoded.value;
  if (envelope.kind === 'quarantine') return { kind: 'left', envelope, reason: envelope.reason };
  const record = { key: key?.toString() ?? envelope.key, value, headers: { ...textsOf(headers), ...counted(headers) } };
  return {
    kind: 'again',
    topic: families[envelope.family].topic,
    record,
    envelope,
    cause: headerText(headers, EXCEPTION_MESSAGE) ?? 'unknown',
    beside: [],
  };
};

/**
 * A quarantined delivery goes where today's catalogue says; what it
 * still does not understand is left. Rejects as above.
 */
export const redriveQuarantined = async (decoder: EnvelopeDecoder, { value, headers }: Stored): Promise<Redrive> => {
  const decoded = await decoder.decode(value, headers);
  if (!decoded.ok) return { kind: 'left', envelope: null, reason: decoded.issues.join('; ') };
  const kept = decoded.value;
  const { rawBody, endpoint, receivedAt, eventId } = kept;
  const [event, ...sightings] = toEnvelopes({
    rawBody,
    endpoint,
    receivedAt,
    eventIdHeader: eventId,
    traceparent: kept.traceparent ?? undefined,
    secretPosition: kept.secretPosition,
  });
  const found = kept.sighting === undefined ? event : sightings.find(({ sighting }) => sighting === kept.sighting);
  if (found === undefined) return { kind: 'left', envelope: kept, reason: 'unknown-sighting' };
  const envelope = { ...found, eventId };
  if (envelope.kind === 'quarantine') return { kind: 'left', envelope: kept, reason: envelope.reason };
  const again = (one: EventEnvelope): { readonly topic: string; readonly record: KafkaRecord } => {
    const record = encodeEnvelope(one, UNKNOWN_SCHEMA_ID);
    return {
      topic: families[one.family].topic,
      record: { ...record, headers: { ...record.headers, ...counted(headers) } },
    };
  };
  const beside = kept.sighting === undefined ? sightings.map((one) => again({ ...one, eventId })) : [];
  const cause = kept.kind === 'quarantine' ? kept.reason : 'unknown';
  return {
    kind: 'again',
    ...again(envelope),
    envelope,
    cause,
    beside,
  };
};

const counted = (headers: ReceivedHeaders): Readonly<Record<string, string>> => {
  const before = Number(headerText(headers, REDRIVE_COUNT) ?? 0);
  return { [REDRIVE_COUNT]: String(Number.isSafeInteger(before) && before >= 0 ? before + 1 : 1) };
};

const textsOf = (headers: ReceivedHeaders): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.keys(headers).flatMap((name) => {
      const text = headerText(headers, name);
      return text === undefined ? [] : [[name, text]];
    }),
  );
