export type { EnvelopeDecoder, SchemaLookup } from './decode.ts';
export { createEnvelopeDecoder, decodeEnvelope } from './decode.ts';
export { encodeEnvelope } from './encode.ts';
export type { Envelope, EventEnvelope, KafkaRecord, QuarantineEnvelope } from './envelope.ts';
export { UNKNOWN_SCHEMA_ID } from './frame.ts';
export type { ReceivedHeaders } from './headers.ts';
export { headerText, recordHeaders } from './headers.ts';
export { ENVELOPE_SCHEMA_VERSION, envelopeSchema } from './schema-v1.ts';
