import { Webhook } from 'standardwebhooks';
import { rowSpec } from '#families';
import { parsed, unparsed } from '#rules';
import type { FieldValue, Parsed } from '#rules';
import { personalIn, valueOf } from '../subject.ts';
import type { Subject } from '../subject.ts';
import type { Message } from '../templates/words.ts';
import type { Channel, DeliveryContext } from './channel.ts';
import { createPoster } from './post.ts';
import type { PostTarget } from './post.ts';

/** Standard Webhooks: a key has 24 to 64 bytes, and is written as base64 behind `whsec_`. */
const KEY_BYTES = { min: 24, max: 64 } as const;
const SECRET = /^whsec_[A-Za-z0-9+/]+={0,2}$/;
const SECRETS_MAX = 5;

/** Reads comma-separated secrets, the current one first. Issues never show them. */
export const parseSecrets = (text: string): Parsed<readonly Webhook[]> => {
  const secrets = text
    .split(',')
    .map((secret) => secret.trim())
    .filter((secret) => secret !== '');
  const isKey = (secret: string): boolean => {
    const bytes = Buffer.from(secret.slice('whsec_'.length), 'base64').length;
    return SECRET.test(secret) && bytes >= KEY_BYTES.min && bytes <= KEY_BYTES.max;
  };
  if (secrets.length === 0 || secrets.length > SECRETS_MAX || !secrets.every(isKey)) {
    return unparsed(
      `must be 1 to ${SECRETS_MAX} secrets separated by commas, each "whsec_" and the base64 of ${KEY_BYTES.min} ` +
        `to ${KEY_BYTES.max} bytes`,
    );
  }
  try {
    return parsed(secrets.map((secret) => new Webhook(secret)));
  } catch {
    return unparsed('holds a secret that is not base64');
  }
};

export interface SignedHttpOptions {
  /** All of them sign, so that a receiver may know any. */
  readonly secrets: readonly Webhook[];
  /** Columns about persons that this receiver is sent as well. */
  readonly personalColumns: ReadonlySet<string>;
}

/** Signed HTTP to the merchant's own systems, after the Standard Webhooks specification 1.0.0. */
export const createSignedHttp = ({ secrets, personalColumns }: SignedHttpOptions, target: PostTarget): Channel => {
  const poster = createPoster(target);
  return {
    deliver: async (message, context) => {
      const body = JSON.stringify(bodyOf(message, context, personalColumns));
      // The time of the attempt, not of the fact: receivers refuse
      // what is older than 5 minutes, and attempts go on for longer.
      const at = new Date();
      const headers = {
        'content-type': 'application/json',
        'webhook-id': context.notificationId,
        'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
        'webhook-signature': secrets.map((secret) => secret.sign(context.notificationId, at, body)).join(' '),
      };
      return poster.post({ headers, body, personal: personalIn(message.subject) }, context.signal);
    },
    close: async () => poster.close(),
  };
};

const bodyOf = (
  { type, subject, reminder }: Message,
  { sequence }: DeliveryContext,
  personalColumns: ReadonlySet<string>,
) => ({
  type,
  timestamp: new Date(subject.at).toISOString(),
  data: {
    family: subject.family,
    entity_id: subject.entityId,
    status: subject.status,
    sequence,
    ...(reminder === null
      ? {}
      : { reminder: { before: reminder.before, at: new Date(reminder.at).toISOString(), hours: reminder.hours } }),
    columns: columnsFor(subject, personalColumns),
  },
});

/**
 * The row without what is about persons, but for what this receiver
 * is meant to get. Times as ISO 8601, unknown as null.
 */
const columnsFor = (subject: Subject, personalColumns: ReadonlySet<string>): Readonly<Record<string, FieldValue>> =>
  Object.fromEntries(
    Object.entries(rowSpec(subject.family).columns)
      .filter(([name, { personal }]) => !personal || personalColumns.has(name))
      .map(([name, { type }]) => {
        const value = valueOf(subject, name);
        return [name, type === 'timestamptz' && typeof value === 'number' ? new Date(value).toISOString() : value];
      }),
  );
