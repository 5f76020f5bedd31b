export { deadLetterHead } from './dead-letters.ts';
export type { RetryOptions } from './retries.ts';
export { createRetries } from './retries.ts';
export { retryPolicyOf, retryPolicySettings, retrySettings } from './settings.ts';
export type { ParkedOptions, RetryOutcome } from './wake-parked.ts';
export { wakeForOperator, wakeParked } from './wake-parked.ts';
