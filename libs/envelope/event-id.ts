import { hash } from 'node:crypto';
import { eventId } from '#rules';
import type { EventId } from '#rules';

/**
 * What may come as `X-Razorpay-Event-Id`. Razorpay's are 14 base62 characters; anything longer or stranger is not used.
 */
const USABLE_HEADER = /^[A-Za-z0-9_-]{1,64}$/;
/** What a forwarder writes that has lost the id: the same for every event, so it tells none of them. */
const NO_IDS: ReadonlySet<string> = new Set(['undefined', 'null', 'none', 'nil', 'nan', 'true', 'false', '0', '-']);
/** Begins every derived id. The dot cannot be part of a header's id, so that neither can pass for the other. */
const DERIVED_PREFIX = 'sha256.';

/**
 * The header's event id, or `sha256.<64 hex digits of the body's SHA-256>` where it is
 * missing or unusable. Razorpay's retries are byte-identical (docs/reference/razorpay.md
 * "Event id and retry identity"), so the derived id is the same for every attempt.
 */
export const eventIdOf = (header: string | undefined, rawBody: Uint8Array): EventId =>
  usableId(header) ?? derivedIdOf(hash('sha256', rawBody, 'buffer'));

/** The header's event id, where it is one. */
export const usableId = (header: string | undefined): EventId | undefined =>
  header !== undefined && USABLE_HEADER.test(header) && !NO_IDS.has(header.toLowerCase()) ? eventId(header) : undefined;

/** The id of a body with this SHA-256. */
export const derivedIdOf = (digest: Buffer): EventId => eventId(DERIVED_PREFIX + digest.toString('hex'));

export const isDerived = (id: EventId): boolean => id.startsWith(DERIVED_PREFIX);

/**
 * The id under which a sighting is kept where one is kept at all: the delivery's id, the key below `payload` and the
 * body's SHA-256. Equal ids mean equal sightings, also where a forwarder sends one event id with every delivery.
 */
export const sightingId = (id: string, part: string, digest: Buffer): string =>
  `${id}.${part}.${digest.toString('hex').slice(0, SIGHTING_DIGEST_LENGTH)}`;

/** Hex digits of the body's digest: enough to tell the bodies of one event id apart. */
const SIGHTING_DIGEST_LENGTH = 16;

/** The delivery's id in that of its sighting of `part`; any other id as it is. */
export const deliveryOfSighting = (id: string, part: string): string => {
  const end = id.length - SIGHTING_DIGEST_LENGTH - part.length - 2;
  return end > 0 && id.startsWith(`.${part}.`, end) && DIGEST_AT_END.test(id) ? id.slice(0, end) : id;
};
const DIGEST_AT_END = /\.[0-9a-f]{16}$/;

/** A delivery's id, the part and the digest. Of the three only a derived id and a part may have dots in them. */
const SIGHTING_ID = /^(?:sha256\.[0-9a-f]{64}|[^.]+)\.(.+)\.[0-9a-f]{16}$/;
/**
 * The key below `payload` that the id names where it is a sighting's, and undefined where it is an event's. A release
 * before sightings has kept theirs under this id, and nothing else of it says what it is.
 */
export const sightedPartOf = (id: string): string | undefined => SIGHTING_ID.exec(id)?.[1];
