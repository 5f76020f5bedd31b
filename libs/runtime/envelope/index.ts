export type { Envelope, EventEnvelope, KafkaRecord, QuarantineEnvelope } from './envelope.ts';
