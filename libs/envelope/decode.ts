import avsc from 'avsc';
import { eventSpec, isEventName, isSightedPart, sightedFamily } from '#catalogue';
import { entityId, eventId, instant, parsed, unparsed } from '#rules';
import type { Parsed } from '#rules';
import type { Envelope, EnvelopeBase } from './envelope.ts';
import { deliveryOfSighting } from './event-id.ts';
import { readFrame, UNKNOWN_SCHEMA_ID } from './frame.ts';
import { headerText, recordHeaders } from './headers.ts';
import type { ReceivedHeaders } from './headers.ts';
import { bundledSchemas, envelopeSchema } from './schema-v2.ts';

/** An envelope's fields as Avro has them, before they are checked. */
interface Row {
  readonly eventId: string;
  readonly event: string | null;
  readonly key: string;
  readonly reason: string | null;
  readonly endpoint: string;
  readonly accountId: string | null;
  readonly occurredAt: number | null;
  readonly receivedAt: number;
  readonly traceparent: string | null;
  readonly sighting: string | null;
  readonly rawBody: Buffer;
}
type ReadRow = (data: Buffer) => Row;

const typeOf = (schema: unknown): avsc.Type => avsc.Type.forSchema(schema as avsc.Schema, { wrapUnions: false });
const readerType = typeOf(envelopeSchema);

/** Reads data written with `schema` as the version that this release knows. Throws when the two are not compatible. */
const readerOf = (schema: unknown): ReadRow => {
  const resolver = readerType.createResolver(typeOf(schema));
  return (data) => readerType.fromBuffer(data, resolver) as Row;
};

const bundledReaders: ReadonlyMap<string, ReadRow> = new Map(
  Object.entries(bundledSchemas).map(([version, schema]) => [version, readerOf(schema)]),
);

/** What the decoder asks for a schema version that it does not bundle. */
export interface SchemaLookup {
  /**
   * The schema with this id, as parsed JSON; undefined when the registry has none. Rejects when the registry cannot be
   * asked: an infrastructure error, to be retried, and no fault of the record.
   */
  schemaById(id: number): Promise<unknown>;
}

/** Not bundled and not in the registry: what was learned of a schema id. Ids are never reused. */
type Learned = ReadRow | string;
/** Bound of the ids remembered; a topic holds records of a few versions. */
const LEARNED_IDS_MAX = 100;

export interface EnvelopeDecoder {
  /**
   * Answers at once for a bundled version. Rejects only when the registry is needed and cannot be asked. What cannot be
   * read is a value with the reasons, never an exception.
   */
  decode(value: Buffer | null, headers: ReceivedHeaders | undefined): Parsed<Envelope> | Promise<Parsed<Envelope>>;
}

export const createEnvelopeDecoder = (registry?: SchemaLookup): EnvelopeDecoder => {
  const learned = new Map<number, Learned>();

  const learn = async (schemaId: number): Promise<Learned> => {
    const known = learned.get(schemaId);
    if (known !== undefined) return known;
    const schema = await registry?.schemaById(schemaId);
    const outcome = schema === undefined ? `the schema registry has no schema ${schemaId}` : tryReaderOf(schema);
    if (learned.size >= LEARNED_IDS_MAX) learned.clear();
    // A schema that is missing may be registered later.
    if (schema !== undefined) learned.set(schemaId, outcome);
    return outcome;
  };

  return {
    decode: (value, headers) => {
      const frame = value === null ? undefined : readFrame(value);
      if (frame === undefined) return unparsed('the value is not a framed Avro record');
      const version = headerText(headers, recordHeaders.schemaVersion);
      const read = version === undefined ? undefined : bundledReaders.get(version);
      const position = positionIn(headers);
      if (read !== undefined) return readEnvelope(read, frame.data, position);
      if (registry === undefined || frame.schemaId === UNKNOWN_SCHEMA_ID) {
        return unparsed(
          `schema version ${version ?? '(no header)'} is not known to this release and its schema id ` +
            `${frame.schemaId} cannot be looked up`,
        );
      }
      return learn(frame.schemaId).then((outcome) =>
        typeof outcome === 'string' ? unparsed(outcome) : readEnvelope(outcome, frame.data, position),
      );
    },
  };
};

const tryReaderOf = (schema: unknown): Learned => {
  try {
    return readerOf(schema);
  } catch (error) {
    return `its schema cannot be read as an envelope: ${(error as Error).message}`;
  }
};

const bundledDecoder = createEnvelopeDecoder();

/** Decodes with the bundled schemas alone. */
export const decodeEnvelope = (value: Buffer | null, headers: ReceivedHeaders | undefined): Parsed<Envelope> =>
  bundledDecoder.decode(value, headers) as Parsed<Envelope>;

/** Positions have one or two digits; anything else in its place is no position. */
const SECRET_POSITION = /^[1-9][0-9]?$/;
const positionIn = (headers: ReceivedHeaders | undefined): number | undefined => {
  const text = headerText(headers, recordHeaders.secretPosition);
  return text !== undefined && SECRET_POSITION.test(text) ? Number(text) : undefined;
};

const readEnvelope = (read: ReadRow, data: Buffer, position: number | undefined): Parsed<Envelope> => {
  try {
    return checkRow(read(data), position);
  } catch (error) {
    return unparsed(`the Avro data cannot be read: ${(error as Error).message}`);
  }
};

const KEY_LENGTH_MAX = 256;

/**
 * An event that this release's catalogue does not have (written by a newer ingest)
 * is quarantined as unknown with all that is known of it. A reason that this release
 * does not have stays as it is: the body can be read again once its cause is mended.
 */
const checkRow = (row: Row, secretPosition: number | undefined): Parsed<Envelope> => {
  if (row.eventId === '') return unparsed('the event id is empty');
  if (row.key === '') return unparsed('the key is empty');
  // Keys are indexed; Razorpay's have up to 20 characters.
  if (row.key.length > KEY_LENGTH_MAX)
    return unparsed(`the key has ${row.key.length} characters, at most ${KEY_LENGTH_MAX} are read`);
  const base = {
    eventId: eventId(row.eventId),
    key: entityId(row.key),
    endpoint: row.endpoint,
    accountId: row.accountId,
    occurredAt: row.occurredAt === null ? null : instant(row.occurredAt),
    receivedAt: instant(row.receivedAt),
    traceparent: row.traceparent,
    ...(secretPosition !== undefined && { secretPosition }),
    rawBody: row.rawBody,
  };
  if (row.sighting !== null) return parsed(sightingOf(base, row.event, row.sighting));
  if (row.reason !== null) return parsed({ ...base, kind: 'quarantine', event: row.event, reason: row.reason });
  if (row.event === null) return unparsed('it has neither an event nor a reason for quarantine');
  if (!isEventName(row.event))
    return parsed({ ...base, kind: 'quarantine', event: row.event, reason: 'unknown-event' });
  return parsed({ ...base, kind: 'event', event: row.event, family: eventSpec(row.event).family });
};

/** One that this release's catalogue does not have (written by a newer ingest) is quarantined as what it is. */
const sightingOf = (row: EnvelopeBase, event: string | null, sighting: string): Envelope => {
  const base = { ...row, eventId: eventId(deliveryOfSighting(row.eventId, sighting)) };
  return event !== null && isEventName(event) && isSightedPart(sighting)
    ? { ...base, kind: 'event', event, family: sightedFamily(sighting), sighting }
    : { ...base, kind: 'quarantine', event, reason: 'unknown-sighting', sighting };
};
