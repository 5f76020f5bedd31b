export type { Delivery } from './envelope.ts';
export { toEnvelope } from './envelope.ts';
export { eventIdOf, isDerived } from './event-id.ts';
export type { Refusal, Verification, WebhookSecret } from './verify.ts';
export { readSignature, refusals, verify, webhookSecret } from './verify.ts';
export type { Redrive, Stored } from './redrive.ts';
export { redriveDeadLetter, redriveQuarantined } from './redrive.ts';
