import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

export const refusals = ['missing', 'malformed', 'mismatch'] as const;
/** Why a signature is refused: there is none; it is not 64 lowercase hex digits; no secret makes it. */
export type Refusal = (typeof refusals)[number];

export type Verification =
  | { readonly ok: true /** Index in the list of secrets. */; readonly position: number }
  | { readonly ok: false; readonly reason: Refusal };

/** A webhook secret. Unlike text, a key object shows nothing when it is printed or logged. */
export type WebhookSecret = KeyObject;
export const webhookSecret = (text: string): WebhookSecret => createSecretKey(text, 'utf8');

/**
 * HMAC-SHA256 as Razorpay writes it: lowercase hex, no prefix. Uppercase is refused, as by Razorpay's own libraries.
 */
const SIGNATURE = /^[0-9a-f]{64}$/;

/** What the header alone says: the signature's bytes, or why no body could make it valid. Needs no body. */
export const readSignature = (header: string | undefined): Uint8Array | Exclude<Refusal, 'mismatch'> => {
  if (header === undefined || header === '') return 'missing';
  return SIGNATURE.test(header) ? Buffer.from(header, 'hex') : 'malformed';
};

/**
 * Whether one of the secrets signed exactly these bytes. After a rotation retries
 * still come with the old secret, so several are active at once. Comparison takes
 * the same time wherever two signatures differ; which secret matched is no secret.
 * `signature`: the header, or what readSignature has made of it.
 */
export const verify = (
  rawBody: Uint8Array,
  signature: string | undefined | Uint8Array,
  secrets: readonly WebhookSecret[],
): Verification => {
  const given = signature instanceof Uint8Array ? signature : readSignature(signature);
  if (typeof given === 'string') return { ok: false, reason: given };
  const position = secrets.findIndex((secret) =>
    timingSafeEqual(createHmac('sha256', secret).update(rawBody).digest(), given),
  );
  return position === -1 ? { ok: false, reason: 'mismatch' } : { ok: true, position };
};
