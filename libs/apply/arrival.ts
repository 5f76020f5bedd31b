import { hash } from 'node:crypto';
import { contentOf, sightingIn, subjectOf } from '#catalogue';
import type { Family } from '#catalogue';
import { derivedIdOf, readJsonBody, sightingId } from '#envelope';
import type { Envelope, EventEnvelope } from '#envelope';
import type { ReceivedRecord, RecordMark } from '#kafka';
import { validTraceparent } from '#platform/trace';
import type { Span } from '#platform/trace';
import { isRecord, recordAt, sightedAt, storableText } from '#rules';
import type { EventId, Instant, JsonRecord, Snapshot } from '#rules';
import type { Place } from './ledger.ts';

/** One Kafka record, read: what Postgres keeps of it, and what is to be done with it. */
export interface Arrival extends Place {
  readonly offset: bigint;
  /** Under which it is kept: the delivery's own id, or for a sighting one that is derived from it. */
  readonly eventId: string;
  /** The event id that it came under, where another body has that one; `eventId` is then derived from its body. */
  readonly claimedId?: string;
  /** Set for a sighting (docs/adr/0011): the delivery's id, and the key below `payload` where its snapshot stands. */
  readonly sighting?: SightingOf;
  readonly eventType: string;
  /** The body's own time; null when it has none that is usable. */
  readonly occurredAt: Instant | null;
  readonly receivedAt: Instant;
  /** Null for a record that no envelope schema reads, and only then: its bytes are no body. */
  readonly endpoint: string | null;
  readonly accountId: string | null;
  /** Which of the endpoint's secrets signed it, the first is 1; left out where that is not known. */
  readonly secretPosition?: number;
  readonly body: Buffer;
  /** SHA-256 of `body`. */
  readonly digest: Buffer;
  readonly task: ArrivalTask;
  /** Tells the record from the one at its place in another log; left out where it is not fresh from Kafka. */
  readonly mark?: RecordMark | undefined;
  /** W3C trace context of what sent it; null when there is none. */
  readonly traceparent: string | null;
  /** Of its being applied now, where traces are on. */
  readonly span?: Span;
}

export interface SightingOf {
  readonly eventId: string;
  readonly part: string;
}

/** The id of the delivery that a record came with, as people know it. */
export const deliveryIdOf = ({ eventId, sighting }: Arrival): string => sighting?.eventId ?? eventId;

/** `apply`: hand it to the family's rule. `keep`: it is not understood; record it with its reason. */
export type ArrivalTask =
  | { readonly kind: 'apply'; readonly family: Family; readonly key: string; readonly snapshot: Snapshot }
  | { readonly kind: 'keep'; readonly reason: string };

/**
 * Longest event id that goes into an index as it is; Razorpay's have
 * 14 characters. A longer one is stood for by its hash.
 */
const EVENT_ID_LENGTH_MAX = 256;
const NO_EVENT_NAME = '(none)';
/**
 * Names are indexed; Razorpay's have up to 50 characters. What is longer is none of them, and its beginning tells it.
 */
const EVENT_NAME_LENGTH_MAX = 256;

/** What timestamptz takes and a clock may say: from 1970 to 2100. */
const TIME_MAX_MS = 4_102_444_800_000;
const usableTime = (at: Instant | null): Instant | null => (at !== null && at >= 0 && at < TIME_MAX_MS ? at : null);

const storableId = (id: string): string =>
  id.length <= EVENT_ID_LENGTH_MAX && !id.includes('\u0000')
    ? id.toWellFormed()
    : `sha256-${sha256(Buffer.from(id)).toString('hex')}`;

export const sha256 = (bytes: Uint8Array): Buffer => hash('sha256', bytes, 'buffer');

/**
 * Reads a record. Total: what cannot be read becomes a `keep` with
 * its reason. `families` are those that this service applies.
 */
export const arrivalOf = (
  record: ReceivedRecord,
  { topic, partition }: Place,
  families: { has: (family: Family) => boolean },
  now: Instant,
): Arrival => {
  if (!record.envelope.ok) {
    // Nothing in it can be trusted, so its place in Kafka is its identity: the same on every replay.
    const eventId = `undecodable-${topic}-${partition}-${record.offset}`;
    const reason = storableText(`undecodable: ${record.envelope.issues.join('; ')}`);
    return {
      topic,
      partition,
      offset: record.offset,
      eventId,
      eventType: NO_EVENT_NAME,
      occurredAt: null,
      receivedAt: now,
      endpoint: null,
      accountId: null,
      body: record.value,
      digest: sha256(record.value),
      task: { kind: 'keep', reason },
      mark: record.mark,
      traceparent: null,
    };
  }
  const envelope = record.envelope.value;
  const { rawBody } = envelope;
  const body = Buffer.from(rawBody.buffer, rawBody.byteOffset, rawBody.byteLength);
  const digest = sha256(body);
  return {
    topic,
    partition,
    offset: record.offset,
    ...identityOf(envelope, digest),
    eventType: storableText((envelope.event ?? NO_EVENT_NAME).slice(0, EVENT_NAME_LENGTH_MAX)),
    occurredAt: usableTime(envelope.occurredAt),
    receivedAt: usableTime(envelope.receivedAt) ?? now,
    endpoint: storableText(envelope.endpoint),
    accountId: envelope.accountId === null ? null : storableText(envelope.accountId),
    ...(envelope.secretPosition !== undefined && { secretPosition: envelope.secretPosition }),
    body,
    digest,
    task:
      envelope.kind === 'quarantine'
        ? { kind: 'keep', reason: storableText(envelope.reason) }
        : taskOf(envelope, families),
    mark: record.mark,
    traceparent: validTraceparent(envelope.traceparent),
  };
};

const identityOf = ({ eventId, sighting }: Envelope, digest: Buffer): Pick<Arrival, 'eventId' | 'sighting'> => {
  const id = storableId(eventId);
  if (sighting === undefined) return { eventId: id };
  const part = storableText(sighting.slice(0, EVENT_NAME_LENGTH_MAX));
  return { eventId: storableId(sightingId(id, part, digest)), sighting: { eventId: id, part } };
};

/**
 * The least that can be kept of a record, for one that Postgres refuses in any other form: its place, its bytes and the
 * reason. So no content of any record can stop a partition.
 */
export const minimalArrival = (
  { topic, partition, offset, receivedAt, body, digest, mark, traceparent, span, sighting }: Arrival,
  reason: string,
): Arrival => ({
  topic,
  partition,
  offset,
  eventId: `unstorable-${topic}-${partition}-${offset}`,
  ...(sighting !== undefined && { sighting }),
  eventType: NO_EVENT_NAME,
  occurredAt: null,
  receivedAt,
  endpoint: null,
  accountId: null,
  body,
  digest,
  task: { kind: 'keep', reason: storableText(`unstorable: ${reason}`) },
  mark,
  traceparent,
  ...(span !== undefined && { span }),
});

/** False for what no envelope schema reads: nobody sent its bytes as a body. */
export const hasBody = ({ endpoint }: Arrival): boolean => endpoint !== null;

/** False for a sighting as well: its body is that of the event beside it. */
export const isDelivery = (arrival: Arrival): boolean => hasBody(arrival) && arrival.sighting === undefined;

/**
 * What finds the body in an index: the first 64 bits of its SHA-256, of a sighting together with its part, which tells
 * it from the event beside it. Null for what has no body.
 */
export const bodyKeyOf = (arrival: Arrival): bigint | null => {
  if (!hasBody(arrival)) return null;
  const { digest, sighting } = arrival;
  return (
    sighting === undefined ? digest : sha256(Buffer.concat([digest, Buffer.from(sighting.part)]))
  ).readBigInt64BE();
};

/**
 * The event under the id that its body gives it: what is authentic is applied, whatever id somebody has sent with it.
 */
export const underDerivedId = (arrival: Arrival): Arrival => {
  const { eventId: claimedId, digest, task } = arrival;
  const eventId = derivedIdOf(digest);
  if (task.kind === 'keep') return { ...arrival, eventId, claimedId };
  return { ...arrival, eventId, claimedId, task: { ...task, snapshot: { ...task.snapshot, eventId } } };
};

const taskOf = (envelope: EventEnvelope, families: { has: (family: Family) => boolean }): ArrivalTask => {
  if (!families.has(envelope.family))
    return { kind: 'keep', reason: `no handler for ${envelope.family} in this service` };
  const body = contentOf(parseBody(envelope.rawBody));
  if (!isRecord(body)) return { kind: 'keep', reason: 'not-json' };
  const { event, key, accountId, sighting } = envelope;
  const subject = sighting === undefined ? subjectOf(body, event) : sightingIn(body, event, sighting)?.subject;
  if (subject === undefined) return { kind: 'keep', reason: 'no-subject' };
  const occurredAt =
    sighting === undefined ? envelope.occurredAt : sightedAt(subject, envelope.occurredAt, envelope.receivedAt);
  const snapshot: Snapshot = {
    event,
    eventId: storableId(envelope.eventId) as EventId,
    key,
    accountId,
    occurredAt,
    receivedAt: envelope.receivedAt,
    subject,
    payload: recordAt(body, 'payload') ?? {},
    ...(sighting !== undefined && { isSighting: true }),
  };
  return { kind: 'apply', family: envelope.family, key: storableText(key), snapshot };
};

/** The body as a JSON object; undefined when it is none. */
export const parseBody = (bytes: Uint8Array): JsonRecord | undefined => {
  const value = readJsonBody(bytes);
  return isRecord(value) ? value : undefined;
};

/** Under which time a first copy is kept: its body's own, which all copies share, or else when it was received. */
export const keptAt = ({ occurredAt, receivedAt }: Arrival): Instant => occurredAt ?? receivedAt;
