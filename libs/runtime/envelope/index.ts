export type { EnvelopeDecoder, SchemaLookup } from './decode.ts';
export { createEnvelopeDecoder, decodeEnvelope } from './decode.ts';
export { encodeEnvelope } from './encode.ts';
export type { Envelope, EventEnvelope, KafkaRecord, QuarantineEnvelope } from './envelope.ts';
export type { ReceivedHeaders } from './headers.ts';
export { headerText } from './headers.ts';
export { UNKNOWN_SCHEMA_ID } from './frame.ts';
export type { CheckedSubject } from './registry.ts';
export { checkSchemas, createSchemaLookup, registeredSchemaId, registerSchemas } from './registry.ts';
