import { createHash } from 'node:crypto';
import { contentOf, subjectOf } from '#catalogue';
import type { Family } from '#catalogue';
import { readJsonBody } from '#envelope';
import type { EventEnvelope } from '#envelope';
import type { ReceivedRecord, RecordMark } from '#platform/kafka';
import { validTraceparent } from '#platform/trace';
import type { Span } from '#platform/trace';
import { isRecord, recordAt, storableText } from '#rules';
import type { EventId, Instant, JsonRecord, Snapshot } from '#rules';
import type { Place } from './ledger.ts';

/** One Kafka record, read: what Postgres keeps of it, and what is to be done with it. */
export interface Arrival extends Place {
  readonly offset: bigint;
  readonly eventId: string;
  readonly eventType: string;
  /** The body's own time; null when it has none that is usable. */
  readonly occurredAt: Instant | null;
  readonly receivedAt: Instant;
  /** Null for a record that no envelope schema reads, and only then: its bytes are no body. */
  readonly endpoint: string | null;
  readonly accountId: string | null;
  readonly body: Buffer;
  readonly task: ArrivalTask;
  /** Tells the record from the one at its place in another log; left out where it is not fresh from Kafka. */
  readonly mark?: RecordMark | undefined;
  /** W3C trace context of what sent it; null when there is none. */
  readonly traceparent: string | null;
  /** Of its being applied now, where traces are on. */
  readonly span?: Span;
}

/** `apply`: hand it to the family's rule. `keep`: it is not understood; record it with its reason. */
export type ArrivalTask =
  | { readonly kind: 'apply'; readonly family: Family; readonly key: string; readonly snapshot: Snapshot }
  | { readonly kind: 'keep'; readonly reason: string };

/** Longest event id that goes into an index as it is; Razorpay's have 14 characters. A longer one is stood for by its hash. */
const EVENT_ID_LENGTH_MAX = 256;
const NO_EVENT_NAME = '(none)';
/** Names are indexed; Razorpay's have up to 50 characters. What is longer is none of them, and its beginning tells it. */
const EVENT_NAME_LENGTH_MAX = 256;

/** What timestamptz takes and a clock may say: from 1970 to 2100. */
const TIME_MAX_MS = 4_102_444_800_000;
const usableTime = (at: Instant | null): Instant | null => (at !== null && at >= 0 && at < TIME_MAX_MS ? at : null);

const storableId = (id: string): string =>
  id.length <= EVENT_ID_LENGTH_MAX && !id.includes('\u0000')
    ? id.toWellFormed()
    : `sha256-${sha256(Buffer.from(id)).toString('hex')}`;

export const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

/** Reads a record. Total: what cannot be read becomes a `keep` with its reason. `families` are those that this service applies. */
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
      task: { kind: 'keep', reason },
      mark: record.mark,
      traceparent: null,
    };
  }
  const envelope = record.envelope.value;
  const { rawBody } = envelope;
  return {
    topic,
    partition,
    offset: record.offset,
    eventId: storableId(envelope.eventId),
    eventType: storableText((envelope.event ?? NO_EVENT_NAME).slice(0, EVENT_NAME_LENGTH_MAX)),
    occurredAt: usableTime(envelope.occurredAt),
    receivedAt: usableTime(envelope.receivedAt) ?? now,
    endpoint: storableText(envelope.endpoint),
    accountId: envelope.accountId === null ? null : storableText(envelope.accountId),
    body: Buffer.from(rawBody.buffer, rawBody.byteOffset, rawBody.byteLength),
    task:
      envelope.kind === 'quarantine'
        ? { kind: 'keep', reason: storableText(envelope.reason) }
        : taskOf(envelope, families),
    mark: record.mark,
    traceparent: validTraceparent(envelope.traceparent),
  };
};

/**
 * The least that can be kept of a record, for one that Postgres refuses in any other form: its place, its bytes and the reason. So no
 * content of any record can stop a partition.
 */
export const minimalArrival = (
  { topic, partition, offset, receivedAt, body, mark, traceparent, span }: Arrival,
  reason: string,
): Arrival => ({
  topic,
  partition,
  offset,
  eventId: `unstorable-${topic}-${partition}-${offset}`,
  eventType: NO_EVENT_NAME,
  occurredAt: null,
  receivedAt,
  endpoint: null,
  accountId: null,
  body,
  task: { kind: 'keep', reason: storableText(`unstorable: ${reason}`) },
  mark,
  traceparent,
  ...(span !== undefined && { span }),
});

const taskOf = (envelope: EventEnvelope, families: { has: (family: Family) => boolean }): ArrivalTask => {
  if (!families.has(envelope.family))
    return { kind: 'keep', reason: `no handler for ${envelope.family} in this service` };
  const body = contentOf(parseBody(envelope.rawBody));
  if (!isRecord(body)) return { kind: 'keep', reason: 'not-json' };
  const subject = subjectOf(body, envelope.event);
  if (subject === undefined) return { kind: 'keep', reason: 'no-subject' };
  const { event, key, accountId, occurredAt } = envelope;
  const snapshot: Snapshot = {
    event,
    eventId: storableId(envelope.eventId) as EventId,
    key,
    accountId,
    occurredAt,
    receivedAt: envelope.receivedAt,
    subject,
    payload: recordAt(body, 'payload') ?? {},
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
