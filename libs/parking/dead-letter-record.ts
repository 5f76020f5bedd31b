import { isSightedPart } from '#catalogue';
import { deliveryOfSighting, encodeEnvelope } from '#envelope';
import type { EventEnvelope, KafkaRecord } from '#envelope';
import { entityId, eventId } from '#rules';
import type { UnpublishedDeadLetter } from './dead-letters.ts';

/** Longest cause in a header, in bytes: some readers refuse large headers. dead_letters has all of it. */
const MESSAGE_BYTES_MAX = 1_024;

/**
 * A dead letter as it goes to `<topic>.dlq`: the event's envelope with
 * the bytes that were signed, and where it came from and why it is there.
 */
export const deadLetterRecord = (letter: UnpublishedDeadLetter, schemaId: number): KafkaRecord => {
  const record = encodeEnvelope(envelopeOf(letter), schemaId);
  return {
    ...record,
    headers: {
      ...record.headers,
      'x-original-topic': letter.topic,
      'x-original-partition': String(letter.partition),
      'x-original-offset': String(letter.offset),
      'x-consumer-group': letter.group,
      'x-exception-message': firstBytes(letter.reason, MESSAGE_BYTES_MAX),
      'x-attempt': String(letter.attempts),
      'x-first-failed-at': letter.firstFailedAt.toISOString(),
    },
  };
};

const envelopeOf = ({
  event,
  family,
  key,
  eventId: id,
  endpoint,
  accountId,
  occurredAt,
  receivedAt,
  sighting,
  rawBody,
  traceparent,
}: UnpublishedDeadLetter): EventEnvelope => ({
  kind: 'event',
  event,
  family,
  key: entityId(key),
  eventId: eventId(sighting === null ? id : deliveryOfSighting(id, sighting)),
  ...(sighting !== null && isSightedPart(sighting) && { sighting }),
  endpoint,
  accountId,
  occurredAt,
  receivedAt,
  traceparent,
  rawBody,
});

/** As many whole characters as fit. */
const firstBytes = (text: string, max: number): string => {
  const bytes = Buffer.from(text);
  if (bytes.length <= max) return text;
  // A character is cut where its bytes 0b10xxxxxx go on behind the limit.
  let end = max;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
};
