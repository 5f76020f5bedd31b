import { arrivalOf, readLedger } from '#apply';
import type { Family } from '#catalogue';
import { headerText, recordHeaders } from '#envelope';
import type { EnvelopeDecoder } from '#envelope';
import type { ReceivedRecord, StoredRecord } from '#platform/kafka';
import { adHoc } from '#platform/postgres';
import type { Database } from '#platform/postgres';
import { now } from '#platform/time';
import { auditRows, readEverything } from './row-audit.ts';
import type { Loss } from './row-audit.ts';

/** What is behind a difference, as exactly as it can still be told. */
export type Finding =
  /** A record that the ledger has passed and whose event is not in Postgres. */
  | {
      readonly kind: 'event';
      readonly topic: string;
      readonly partition: number;
      readonly offset: bigint;
      readonly eventId: string;
      readonly event: string | null;
      readonly key: string | null;
    }
  /** Events of a partition that are lost and that Kafka does not have any more, or not yet looked through. */
  | { readonly kind: 'unnamed'; readonly topic: string; readonly partition: number; readonly events: number }
  /** A row of webhook_events whose record is another one in Kafka, or none. */
  | {
      readonly kind: 'uncounted';
      readonly topic: string;
      readonly partition: number;
      readonly offset: bigint;
      readonly eventId: string;
    }
  /** More rows of a partition than the ledger counts, which are not told apart from the others. */
  | Extract<Loss, { readonly kind: 'surplus' }>
  | { readonly kind: 'ledger-row'; readonly topic: string; readonly partition: number; readonly events: number }
  /** An entity without a row, and the events that were applied to it. */
  | {
      readonly kind: 'entity';
      readonly topic: string;
      readonly family: Family;
      readonly key: string;
      readonly eventIds: readonly string[];
    };

export interface ExplainOptions {
  readonly database: Database;
  readonly decoder: EnvelopeDecoder;
  /** Hands over every record of these topics (`readTopics` of #platform/kafka). */
  readonly read: (
    topics: readonly string[],
    onBatch: (records: readonly StoredRecord[]) => Promise<void>,
  ) => Promise<unknown>;
}

/**
 * Looks for what is missing among all rows or too much, and names it: of partitions that differ it reads Kafka's whole
 * log and compares it with Postgres. It takes as long as that reading does. Empty when nothing differs.
 */
export const explainDifference = async (options: ExplainOptions): Promise<readonly Finding[]> => {
  const losses = await auditRows(options.database);
  const events = await namedEvents(
    options,
    losses.filter((loss) => loss.kind === 'events'),
    losses.filter((loss) => loss.kind === 'surplus'),
  );
  const entities = await namedEntities(
    options.database,
    losses.filter((loss) => loss.kind === 'entity'),
  );
  return [...losses.filter((loss) => loss.kind === 'ledger-row'), ...events, ...entities];
};

type EventsLoss = Extract<Loss, { readonly kind: 'events' }>;
type Surplus = Extract<Loss, { readonly kind: 'surplus' }>;
type Named = Extract<Finding, { readonly kind: 'event' }>;

const namedEvents = async (
  { database, decoder, read }: ExplainOptions,
  losses: readonly EventsLoss[],
  surpluses: readonly Surplus[],
): Promise<readonly Finding[]> => {
  if (losses.length + surpluses.length === 0) return [];
  const lacking = new Set(losses.map(placeOf));
  const exceeding = await rowsOf(database, surpluses);
  const searched = new Set([...lacking, ...exceeding.keys()]);
  const passed = new Map((await readLedger(database)).map((row) => [placeOf(row), row.nextOffset]));
  const found: Named[] = [];
  await read([...new Set([...losses, ...surpluses].map(({ topic }) => topic))], async (records) => {
    const candidates = records.filter(
      (record) =>
        searched.has(placeOf(record)) &&
        record.offset < (passed.get(placeOf(record)) ?? 0n) &&
        headerText(record.headers, recordHeaders.sighting) === undefined,
    );
    const named = await Promise.all(candidates.map(async (record) => nameOf(record, decoder)));
    for (const one of named) exceeding.get(placeOf(one))?.delete(rowName(one));
    found.push(
      ...(await missingOf(
        database,
        named.filter((one) => lacking.has(placeOf(one))),
      )),
    );
  });
  const unnamed = losses.flatMap(({ topic, partition, events }): Finding[] => {
    const named = found.filter((one) => one.topic === topic && one.partition === partition).length;
    return named >= events ? [] : [{ kind: 'unnamed', topic, partition, events: events - named }];
  });
  return [
    ...found,
    ...unnamed,
    ...surpluses.flatMap((surplus) => namedSurplus(surplus, exceeding.get(placeOf(surplus)))),
  ];
};

interface Row {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly eventId: string;
}

/** Rows of one partition that are compared with Kafka; of a partition with more of them a surplus is only counted. */
const COMPARED_MAX = 200_000;
const ROWS = adHoc(
  `SELECT kafka_topic AS topic, kafka_partition AS partition, kafka_offset::text AS "offset",
    razorpay_event_id AS "eventId"
     FROM webhook_events WHERE kafka_topic = $1 AND kafka_partition = $2 AND verdict = ANY ($3::text[])
       LIMIT ${COMPARED_MAX + 1}`,
);

const rowName = ({ offset, eventId }: Pick<Row, 'offset' | 'eventId'>): string => `${offset} ${eventId}`;

/** By partition, the rows that stand as what there are too many of, by `rowName`. */
const rowsOf = async (
  database: Database,
  surpluses: readonly Surplus[],
): Promise<ReadonlyMap<string, Map<string, Row>>> => {
  const byPlace = new Map<string, Map<string, Row>>();
  for (const surplus of surpluses) {
    const rows = await database.transaction(async (tx) => {
      await readEverything(tx);
      return tx.query<Omit<Row, 'offset'> & { readonly offset: string }>(ROWS, [
        surplus.topic,
        surplus.partition,
        surplus.verdicts,
      ]);
    });
    const compared = rows.length > COMPARED_MAX ? [] : rows.map((row): Row => ({ ...row, offset: BigInt(row.offset) }));
    byPlace.set(placeOf(surplus), new Map(compared.map((row) => [rowName(row), row])));
  }
  return byPlace;
};

/**
 * Where more rows are strange to Kafka than there are too many, its
 * log does not reach back to them: none is told apart.
 */
const namedSurplus = (surplus: Surplus, rows: ReadonlyMap<string, Row> = new Map()): readonly Finding[] =>
  rows.size === 0 || rows.size > surplus.events
    ? [surplus]
    : [
        ...[...rows.values()].map((row): Finding => ({ kind: 'uncounted', ...row })),
        ...(rows.size < surplus.events ? [{ ...surplus, events: surplus.events - rows.size }] : []),
      ];

const placeOf = ({ topic, partition }: { readonly topic: string; readonly partition: number }): string =>
  `${topic}/${partition}`;

/** The record as its consumer reads it: the id under which its event is kept. */
const nameOf = async (record: StoredRecord, decoder: EnvelopeDecoder): Promise<Named> => {
  const { topic, partition, offset, key, value, headers } = record;
  const bytes = value ?? Buffer.alloc(0);
  const envelope = await decoder.decode(bytes, headers);
  const received: ReceivedRecord = { offset, key: key?.toString() ?? null, value: bytes, envelope };
  const { eventId } = arrivalOf(received, { topic, partition }, new Set<Family>(), now());
  return {
    kind: 'event',
    topic,
    partition,
    offset,
    eventId,
    event: headerText(headers, recordHeaders.eventName) ?? null,
    key: received.key,
  };
};

/** A record that could be kept in no other way is kept under its place. */
const MISSING = adHoc(
  `SELECT given.event_id AS "eventId" FROM unnest($1::text[], $2::text[]) AS given (event_id, other_id)
    WHERE NOT EXISTS (SELECT 1 FROM webhook_events e WHERE e.razorpay_event_id IN (given.event_id, given.other_id))`,
);

const missingOf = async (database: Database, named: readonly Named[]): Promise<readonly Named[]> => {
  if (named.length === 0) return [];
  const rows = await database.query<{ readonly eventId: string }>(MISSING, [
    named.map(({ eventId }) => eventId),
    named.map(({ topic, partition, offset }) => `unstorable-${topic}-${partition}-${offset}`),
  ]);
  const missing = new Set(rows.map(({ eventId }) => eventId));
  return named.filter(({ eventId }) => missing.has(eventId));
};

const APPLIED_TO = adHoc(
  `SELECT family, entity_key AS key, array_agg(razorpay_event_id
    ORDER BY kafka_topic, kafka_partition, kafka_offset) AS "eventIds"
     FROM webhook_events
    WHERE verdict IN ('applied', 'kept') AND (family, entity_key) IN (SELECT * FROM unnest($1::text[], $2::text[]))
      GROUP BY 1, 2`,
);

const namedEntities = async (
  database: Database,
  losses: readonly Extract<Loss, { readonly kind: 'entity' }>[],
): Promise<readonly Finding[]> => {
  if (losses.length === 0) return [];
  const rows = await database.transaction(async (tx) => {
    await readEverything(tx);
    return tx.query<{ readonly family: Family; readonly key: string; readonly eventIds: readonly string[] }>(
      APPLIED_TO,
      [losses.map(({ family }) => family), losses.map(({ key }) => key)],
    );
  });
  const ids = new Map(rows.map(({ family, key, eventIds }) => [`${family} ${key}`, eventIds]));
  return losses.map((loss) => ({ ...loss, eventIds: ids.get(`${loss.family} ${loss.key}`) ?? [] }));
};
