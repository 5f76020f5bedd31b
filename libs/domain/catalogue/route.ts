import { entityId, isRecord, readText, readTime, recordAt } from '#rules';
import type { EntityId, Instant, JsonRecord, Snapshot } from '#rules';
import { eventSpec, isEventName } from './events.ts';
import type { EventName, EventSpec } from './events.ts';
import type { Family } from './families.ts';

export const quarantineReasons = ['not-json', 'odd-shape', 'unknown-event', 'no-subject', 'no-entity-id'] as const;
/**
 * Why an authentic delivery is kept aside: the body is not JSON; it is not an object with a text `event`; the catalogue
 * has no such event; the event's subject is missing; the subject has no usable id. These are what this release gives: a
 * record may carry one that a newer release added.
 */
export type QuarantineReason = (typeof quarantineReasons)[number];

export interface Routed {
  readonly kind: 'routed';
  readonly event: EventName;
  readonly family: Family;
  readonly key: EntityId;
}
export type Routing =
  | Routed
  | { readonly kind: 'quarantined'; readonly reason: QuarantineReason; readonly event: string | null };

/** Razorpay's ids are 14 base62 characters behind a prefix; this refuses only what could not be a key at all. */
const USABLE_ID = /^[\x21-\x7e]{1,128}$/;
/** Longest event name and account id that is kept, in UTF-16 units; the raw body keeps all of it. */
const EVENT_NAME_LENGTH_MAX = 128;
const ACCOUNT_ID_LENGTH_MAX = 128;

/** Where a body goes. Total: never throws, whatever the body is. */
export const route = (given: unknown): Routing => {
  const body = contentOf(given);
  if (!isRecord(body)) return quarantined('odd-shape', null);
  const name = Object.hasOwn(body, 'event') && typeof body['event'] === 'string' ? readText(body['event']) : undefined;
  if (name === undefined) return quarantined('odd-shape', null);
  if (!isEventName(name)) return quarantined('unknown-event', name);
  const subject = subjectOf(body, name);
  if (subject === undefined) return quarantined('no-subject', name);
  const spec = eventSpec(name);
  const key = keyOf(spec, body, subject);
  return key === undefined
    ? quarantined('no-entity-id', name)
    : { kind: 'routed', event: name, family: spec.family, key };
};

/**
 * One published body is Razorpay's own wrapper, whose `event` holds name and payload: the body proper is that payload
 * (docs/reference/razorpay.md "Envelope"). Everything else is the body itself.
 */
export const contentOf = (body: unknown): unknown => {
  const inner = recordAt(recordAt(body, 'event'), 'payload');
  return inner !== undefined && typeof inner['event'] === 'string' && isRecord(inner['payload']) ? inner : body;
};

/** An event about an account has no entity of its own: the account and what is said of it are the key. */
const keyOf = (spec: EventSpec, body: JsonRecord, subject: JsonRecord): EntityId | undefined => {
  if (spec.shape !== 'account')
    return usableId(spec, Object.hasOwn(subject, spec.keyField) ? subject[spec.keyField] : undefined);
  const account = accountIdOf(body);
  return account === null ? undefined : usableId(spec, `${account}/${spec.subject}`);
};

const quarantined = (reason: QuarantineReason, event: string | null): Routing => ({
  kind: 'quarantined',
  reason,
  event: event?.slice(0, EVENT_NAME_LENGTH_MAX).toWellFormed() ?? null,
});

/**
 * Account ids are bare in `account.*` bodies and have `acc_` elsewhere (docs/reference/razorpay.md "Entities"); one
 * account must have one key.
 */
export const usableId = (
  { subject, shape }: Pick<EventSpec, 'subject' | 'shape'>,
  value: unknown,
): EntityId | undefined => {
  const text = readText(value);
  const id = subject === 'account' && shape === undefined ? text?.replace(/^acc_/, '') : text;
  return id !== undefined && USABLE_ID.test(id) ? entityId(id) : undefined;
};

/** What the event is about. */
export const subjectOf = (body: JsonRecord, event: EventName): JsonRecord | undefined => {
  const { subject, shape, keyField } = eventSpec(event);
  const payload = recordAt(body, 'payload');
  const own = entityIn(payload, subject);
  if (shape === undefined) return own;
  if (shape === 'account') return own ?? payload ?? {};
  const all = [own, ...Object.keys(payload ?? {}).map((name) => entityIn(payload, name))];
  return all.find((entity) => entity !== undefined && readText(entity[keyField]) !== undefined);
};

/**
 * `payload.<name>.entity`, or `payload.<name>` itself in the bodies that lack `.entity`; undefined when there is
 * neither. A text `entity` inside belongs to the entity: it names its kind.
 */
export const entityIn = (payload: unknown, name: string): JsonRecord | undefined => {
  const holder = recordAt(payload, name);
  if (holder === undefined || !Object.hasOwn(holder, 'entity') || typeof holder['entity'] === 'string') return holder;
  return recordAt(holder, 'entity');
};

/** The entity `name` that came beside the subject, such as the payment of a refund; undefined when there is none. */
export const entityBeside = ({ payload }: Pick<Snapshot, 'payload'>, name: string): JsonRecord | undefined =>
  entityIn(payload, name);

/**
 * The body's own time, identical on every retry; null when it has none that is usable. Some bodies have it inside
 * `payload` (docs/reference/razorpay.md "Envelope": order.notification.*, refund.speed_changed, some order.paid).
 */
export const occurredAtOf = (given: unknown): Instant | null => {
  const body = contentOf(given);
  const time = createdAt(body) ?? (isRecord(body) ? createdAt(recordAt(body, 'payload')) : undefined);
  return (time as Instant | undefined) ?? null;
};

const createdAt = (holder: unknown): number | undefined =>
  isRecord(holder) && Object.hasOwn(holder, 'created_at') ? readTime(holder['created_at']) : undefined;

/** The account that the body names, with its `acc_`; null when the body has none. */
export const accountIdOf = (given: unknown): string | null => {
  const body = contentOf(given);
  return (
    (isRecord(body) && Object.hasOwn(body, 'account_id')
      ? readText(body['account_id'])?.slice(0, ACCOUNT_ID_LENGTH_MAX).toWellFormed()
      : undefined) ?? null
  );
};
