import { hash } from 'node:crypto';
import avsc from 'avsc';
import type { Envelope, EventEnvelope, KafkaRecord } from './envelope.ts';
import { sightingId } from './event-id.ts';
import { FRAME_HEADER_BYTES, writeFrameHeader } from './frame.ts';
import { recordHeaders } from './headers.ts';
import { ENVELOPE_SCHEMA_VERSION, envelopeSchema } from './schema-v2.ts';

const envelopeType = avsc.Type.forSchema(envelopeSchema as unknown as avsc.Schema, { wrapUnions: false });

/**
 * One buffer for all envelopes, enlarged to the largest one met: writing into it and
 * copying the used part costs half of avsc's own `toBuffer` (docs/reference/clients.md).
 * Safe because encoding never yields. A body is at most 1 MiB, so it stays small.
 */
let scratch = Buffer.allocUnsafe(16 * 1024);

/** `schemaId`: the registry's id, or UNKNOWN_SCHEMA_ID until it is known. */
export const encodeEnvelope = (envelope: Envelope, schemaId: number): KafkaRecord => {
  const row = {
    eventId: rowIdOf(envelope),
    event: envelope.event,
    key: envelope.key,
    reason: envelope.kind === 'quarantine' ? envelope.reason : reasonOf(envelope),
    endpoint: envelope.endpoint,
    accountId: envelope.accountId,
    occurredAt: envelope.occurredAt,
    receivedAt: envelope.receivedAt,
    traceparent: envelope.traceparent,
    sighting: envelope.sighting ?? null,
    // avsc takes Buffers only; this is a view, not a copy.
    rawBody: Buffer.isBuffer(envelope.rawBody)
      ? envelope.rawBody
      : Buffer.from(envelope.rawBody.buffer, envelope.rawBody.byteOffset, envelope.rawBody.byteLength),
  };
  const end = writeRow(row);
  writeFrameHeader(scratch, schemaId);
  return { key: envelope.key, value: Buffer.from(scratch.subarray(0, end)), headers: headersOf(envelope) };
};

/**
 * A sighting has an id of its own in the row, from which its delivery's is read again. Readers of version 1, which know
 * no sightings, keep it in the quarantine under this id: under the delivery's they would take the event itself, when it
 * comes, for a copy of what they have.
 */
const rowIdOf = ({ eventId, sighting, rawBody }: Envelope): string =>
  sighting === undefined ? eventId : sightingId(eventId, sighting, hash('sha256', rawBody, 'buffer'));

/** For readers of version 1, which know no sightings: it keeps them from taking one for an event of its key. */
const reasonOf = ({ sighting }: EventEnvelope): string | null =>
  sighting === undefined ? null : `sighting of ${sighting}`;

/** Where the row ends in `scratch`. */
const writeRow = (row: unknown): number => {
  const end = envelopeType.encode(row, scratch, FRAME_HEADER_BYTES);
  if (end >= 0) return end;
  // A negative answer is the number of bytes that were missing.
  scratch = Buffer.allocUnsafe(scratch.length - end);
  return envelopeType.encode(row, scratch, FRAME_HEADER_BYTES);
};

const headersOf = (envelope: Envelope): Record<string, string> => {
  const headers: Record<string, string> = {
    [recordHeaders.eventId]: envelope.eventId,
    [recordHeaders.schemaVersion]: ENVELOPE_SCHEMA_VERSION,
  };
  if (envelope.sighting !== undefined) headers[recordHeaders.sighting] = envelope.sighting;
  else if (envelope.secretPosition !== undefined)
    headers[recordHeaders.secretPosition] = String(envelope.secretPosition);
  if (envelope.event !== null) headers[recordHeaders.eventName] = envelope.event;
  if (envelope.traceparent !== null) headers[recordHeaders.traceparent] = envelope.traceparent;
  return headers;
};
