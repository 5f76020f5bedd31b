import { createHmac } from 'node:crypto';
import { eventSpec, isModelled } from '#catalogue';
import type { EventName, ModelledEventName } from '#catalogue';
import type { JsonValue } from '#rules';

/** A JSON object as it lies in a body. */
export interface Json {
  readonly [key: string]: JsonValue;
}
/** What lies below `payload`: entities by their key, which may contain a dot. */
export type Parts = Readonly<Record<string, Json>>;

/** How the body of one event is laid out. */
export interface Layout {
  /** The entities in Razorpay's order: often another one comes before the subject. */
  readonly contains: readonly [string, ...string[]];
  /**
   * Razorpay has two serializers (docs/reference/razorpay.md "Envelope"): `fixed` starts with entity, account_id, event
   * and escapes like PHP (inferred from broken signatures over re-serialised bodies); `alphabetical` sorts every
   * key and does not escape.
   */
  readonly keys: 'fixed' | 'alphabetical';
  /** Where `created_at` stands: the published bodies of four events have it inside `payload`. */
  readonly createdAt: 'body' | 'payload';
}

const fixed = (...contains: Layout['contains']): Layout => ({ contains, keys: 'fixed', createdAt: 'body' });
const alphabetical = (...contains: Layout['contains']): Layout => ({
  contains,
  keys: 'alphabetical',
  createdAt: 'body',
});
const timeInPayload = (layout: Layout): Layout => ({ ...layout, createdAt: 'payload' });

const layouts: { readonly [Name in ModelledEventName]: Layout } = {
  'payment.authorized': fixed('payment'),
  'payment.captured': fixed('payment'),
  'payment.failed': fixed('payment'),
  'order.paid': fixed('payment', 'order'),
  'order.notification.delivered': timeInPayload(fixed('notification')),
  'order.notification.failed': timeInPayload(fixed('notification')),
  'payment.downtime.started': fixed('payment.downtime'),
  'payment.downtime.updated': fixed('payment.downtime'),
  'payment.downtime.resolved': fixed('payment.downtime'),
  'payment.dispute.created': fixed('payment', 'dispute'),
  'payment.dispute.under_review': fixed('payment', 'dispute'),
  'payment.dispute.action_required': fixed('payment', 'dispute'),
  'payment.dispute.won': fixed('payment', 'dispute'),
  'payment.dispute.lost': fixed('payment', 'dispute'),
  'payment.dispute.closed': fixed('payment', 'dispute'),
  'refund.created': alphabetical('refund', 'payment'),
  'refund.processed': alphabetical('refund', 'payment'),
  'refund.failed': alphabetical('refund', 'payment'),
  'refund.speed_changed': timeInPayload(alphabetical('refund', 'payment')),
  'account.instantly_activated': fixed('account'),
  'account.activated_kyc_pending': fixed('account'),
  'account.activated': fixed('account'),
  'account.under_review': fixed('account'),
  'account.needs_clarification': fixed('account'),
  'account.rejected': fixed('account'),
  'account.suspended': fixed('account'),
  'account.payments_enabled': fixed('account'),
  'account.funds_hold': fixed('account'),
  'account.funds_unhold': fixed('account'),
  'account.updated': fixed('account', 'bank_account'),
  'fund_account.validation.completed': fixed('fund_account.validation'),
  'fund_account.validation.failed': fixed('fund_account.validation'),
  'payment_link.paid': alphabetical('payment_link', 'order', 'payment'),
  'payment_link.partially_paid': alphabetical('payment_link', 'order', 'payment'),
  'payment_link.expired': alphabetical('payment_link'),
  'payment_link.cancelled': alphabetical('payment_link'),
  'invoice.paid': fixed('payment', 'order', 'invoice'),
  'invoice.partially_paid': fixed('payment', 'order', 'invoice'),
  'invoice.expired': fixed('invoice'),
};

/** A kept event has its subject and nothing else. */
export const layoutOf = (event: EventName): Layout =>
  isModelled(event) ? layouts[event] : fixed(eventSpec(event).subject);

export interface Envelope {
  readonly event: EventName;
  /** With `acc_`. */
  readonly accountId: string;
  /** Epoch seconds. */
  readonly createdAt: number;
  readonly parts: Parts;
  /** What lies beside `.entity` below a payload key, as the evidence in payment.dispute.action_required does. */
  readonly beside?: Parts;
}

/** The exact bytes of a delivery: compact JSON, UTF-8, no newline at the end. */
export const bodyOf = ({ event, accountId, createdAt, parts, beside = {} }: Envelope): Buffer => {
  const { contains, keys, createdAt: place } = layoutOf(event);
  const entities = contains.map((key) => [key, { entity: parts[key] ?? missing(event, key), ...beside[key] }] as const);
  const payload: Json = { ...Object.fromEntries(entities), ...(place === 'payload' && { created_at: createdAt }) };
  const body: Json = {
    entity: 'event',
    account_id: accountId,
    event,
    contains,
    payload,
    ...(place === 'body' && { created_at: createdAt }),
  };
  return Buffer.from(keys === 'fixed' ? escapedLikePhp(JSON.stringify(body)) : JSON.stringify(sorted(body)));
};

const missing = (event: EventName, key: string): never => {
  throw new Error(`a body of ${event} needs payload.${key}`);
};

/**
 * `json_encode` without flags writes `\/`, and everything outside
 * ASCII as `\uXXXX`. Both occur only inside JSON strings.
 */
const escapedLikePhp = (json: string): string =>
  json
    .replaceAll('/', '\\/')
    .replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

const sorted = (value: JsonValue): JsonValue => {
  if (Array.isArray(value)) return value.map((item: JsonValue) => sorted(item));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value as Json).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
};

/** `X-Razorpay-Signature`: lowercase hex of HMAC-SHA256 over exactly these bytes. */
export const sign = (secret: string, body: Uint8Array): string =>
  createHmac('sha256', secret).update(body).digest('hex');

/**
 * The headers of a delivery as seen on the wire (docs/reference/razorpay.md "Headers"); the HTTP client adds Host and
 * Content-Length.
 */
export const headersOf = (eventId: string, signature: string): Readonly<Record<string, string>> => ({
  'Content-Type': 'application/json',
  'User-Agent': 'Razorpay-Webhook/v1',
  'X-Razorpay-Signature': signature,
  'X-Razorpay-Event-Id': eventId,
  'Request-Id': eventId,
  'Accept-Encoding': 'gzip',
});
