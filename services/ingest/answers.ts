import { codeOf } from '#platform/log';
import type { Code } from '#platform/log';
import type { DeliveryOutcome, DeliveryReason } from '#platform/metrics';

export interface Answer {
  readonly outcome: DeliveryOutcome;
  readonly status: number;
  /** What the sender is told. */
  readonly says: string;
}

/** Every answer that a delivery can get. The names are the `reason` label of the metrics. */
export const answers = {
  durable: { outcome: 'accepted', status: 200, says: 'accepted' },
  quarantined: { outcome: 'quarantined', status: 200, says: 'accepted; kept aside because it is not understood' },

  'path-unknown': { outcome: 'refused', status: 404, says: 'webhooks are received at /webhooks/razorpay' },
  'endpoint-unknown': { outcome: 'refused', status: 404, says: 'no such webhook endpoint is configured' },
  'method-not-allowed': { outcome: 'refused', status: 405, says: 'webhooks are sent with POST' },
  'signature-missing': { outcome: 'refused', status: 401, says: 'the X-Razorpay-Signature header is missing' },
  'signature-malformed': {
    outcome: 'refused',
    status: 401,
    says: 'the X-Razorpay-Signature header is not 64 lowercase hex digits',
  },
  'signature-mismatch': { outcome: 'refused', status: 401, says: 'the signature does not match the body' },
  'source-not-allowed': {
    outcome: 'refused',
    status: 403,
    says: 'this address may not send webhooks here (DAKIA_SOURCES_ALLOWED)',
  },
  'source-refused-often': {
    outcome: 'refused',
    status: 429,
    says: 'too many deliveries of this address were refused within a minute (DAKIA_SOURCE_REFUSALS_MAX)',
  },
  'too-large': { outcome: 'refused', status: 413, says: 'the body is larger than DAKIA_BODY_BYTES_MAX' },
  'body-late': { outcome: 'refused', status: 408, says: 'the body did not arrive in time' },
  'body-in-pieces': { outcome: 'refused', status: 400, says: 'the body comes in too many small pieces' },
  'body-aborted': { outcome: 'refused', status: 400, says: 'the body ended early' },

  draining: { outcome: 'unavailable', status: 503, says: 'this instance is stopping; send again' },
  'requests-full': { outcome: 'unavailable', status: 503, says: 'too many deliveries at once; send again' },
  'bytes-full': { outcome: 'unavailable', status: 503, says: 'too many bytes at once; send again' },
  'crowded-out': {
    outcome: 'unavailable',
    status: 503,
    says: 'others needed the room before the body was here; send again',
  },
  'queue-full': { outcome: 'unavailable', status: 503, says: 'too many deliveries wait for Kafka; send again' },
  stalled: { outcome: 'unavailable', status: 503, says: 'Kafka is too slow; send again' },
  'kafka-down': { outcome: 'unavailable', status: 503, says: 'Kafka does not answer; send again' },
  overloaded: { outcome: 'unavailable', status: 503, says: 'not stored; send again' },
  'not-durable': { outcome: 'unavailable', status: 503, says: 'not confirmed as stored; send again' },
} as const satisfies Record<DeliveryReason, Answer>;

export type Reason = DeliveryReason;
export const reasons = Object.keys(answers) as readonly Reason[];
export const answerOf = (reason: Reason): Answer => answers[reason];

type Refused = { [Name in Reason]: (typeof answers)[Name]['status'] extends 200 ? never : Name }[Reason];
const isRefused = (reason: Reason): reason is Refused => answers[reason].status !== 200;
/** Of an answer that is no 200; docs/failures.md says what to do about it. */
export const answerCodeOf = (reason: Reason): Code | undefined =>
  isRefused(reason) ? codeOf('ingest', reason) : undefined;

/** Bodies of the answers, made once. */
const bodies = new Map(
  reasons.map((reason) => [
    reason,
    JSON.stringify({ status: answers[reason].outcome, reason, code: answerCodeOf(reason), says: answers[reason].says }),
  ]),
);
export const bodyOf = (reason: Reason): string => bodies.get(reason) ?? '';
