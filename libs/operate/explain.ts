import { arrivalOf, readLedger, ROW_IDENTITY } from '#apply';
import type { Family } from '#catalogue';
import { headerText, recordHeaders } from '#envelope';
import type { EnvelopeDecoder } from '#envelope';
import type { ReceivedRecord, StoredRecord } from '#kafka';
import { adHoc } from '#platform/postgres';
import type { Database } from '#platform/postgres';
import { now } from '#platform/time';
import { auditRows, balanceOf, EVENT_ROWS_OF, readEverything } from './row-audit.ts';
import type { EventRows, Loss } from './row-audit.ts';

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
  /** Hands over every record of these topics (`readTopics` of #kafka). */
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
type Named = Extract<Finding, { readonly kind: 'event' }> & { readonly identity: string };

/** Reads the log of each partition that differs, and compares in both directions: numbers alone may hide one. */
const namedEvents = async (
  { database, decoder, read }: ExplainOptions,
  losses: readonly EventsLoss[],
  surpluses: readonly Surplus[],
): Promise<readonly Finding[]> => {
  const differing = Map.groupBy([...losses, ...surpluses], placeOf);
  if (differing.size === 0) return [];
  const held = new Map<string, HeldRows>();
  for (const [place, ofPlace] of differing) held.set(place, await heldRows(database, ofPlace));
  const found = new Map<string, Named>();
  const readFrom = new Map<string, bigint>();
  await read([...new Set([...losses, ...surpluses].map(({ topic }) => topic))], async (records) => {
    const passed = records.filter((record) => record.offset < (held.get(placeOf(record))?.nextOffset ?? 0n));
    const named = await Promise.all(passed.map(async (record) => nameOf(record, decoder)));
    for (const [index, one] of named.entries()) {
      const place = placeOf(one);
      held.get(place)?.rows.delete(rowName(one));
      readFrom.set(place, readFrom.get(place) ?? passed[index]?.offset ?? one.offset);
    }
    const events = named.filter((_, index) => headerText(passed[index]?.headers, recordHeaders.sighting) === undefined);
    // Of an event that came several times the first record is the one that its row was of.
    for (const one of await missingOf(database, events)) {
      const name = `${placeOf(one)} ${one.eventId}`;
      found.set(name, found.get(name) ?? one);
    }
  });
  return [...differing].flatMap(([place, ofPlace]) =>
    findingsOf(
      ofPlace,
      [...found.values()].filter((one) => placeOf(one) === place),
      strangeRows(held.get(place), readFrom.get(place)),
      held.get(place),
    ),
  );
};

/** What is lost and what is strange to Kafka is named; where that is not all, or cannot be told, a number remains. */
const findingsOf = (
  losses: readonly (EventsLoss | Surplus)[],
  lost: readonly Named[],
  strange: readonly Row[],
  held: HeldRows | undefined,
): readonly Finding[] => {
  const gap = held === undefined ? 0n : held.countedDigest - held.digest;
  const explaining = subsetWith<Named | Row>(gap, [
    ...lost.map((one) => ({ one, weight: BigInt(one.identity) })),
    ...strange.map((one) => ({ one, weight: one.counted ? -BigInt(one.identity) : 0n })),
  ]);
  const events = losses.reduce((sum, loss) => sum + (loss.kind === 'events' ? loss.events : 0), 0);
  const isAll = explaining !== undefined && lost.filter((one) => explaining.has(one)).length >= events;
  const named = lost
    .filter((one) => !isAll || explaining.has(one))
    .map(({ identity: _, ...finding }): Finding => finding);
  const uncounted = strange
    .filter((one) => !isAll || explaining.has(one))
    .map(
      ({ topic, partition, offset, eventId }): Finding => ({ kind: 'uncounted', topic, partition, offset, eventId }),
    );
  if (isAll) return [...named, ...uncounted];
  return [
    ...named,
    ...losses.flatMap((loss): readonly Finding[] => {
      if (loss.kind === 'surplus') return namedSurplus(loss, uncounted);
      const { topic, partition } = loss;
      return lost.length >= events ? [] : [{ kind: 'unnamed', topic, partition, events: events - lost.length }];
    }),
  ];
};

/** So many candidates are tried in all combinations; of more than that all are named. */
const CANDIDATES_MAX = 16;

/**
 * Those that together make up the gap between the ledger's digest and that of the rows: a loss that an operator has
 * accepted, or a row that was taken as it is, is a candidate too, and is not among them. What has no weight, because
 * its row was never in a digest, is. Undefined when no combination does.
 */
const subsetWith = <One>(
  gap: bigint,
  all: readonly { readonly one: One; readonly weight: bigint }[],
): ReadonlySet<One> | undefined => {
  const weighing = all.filter(({ weight }) => weight !== 0n);
  const weightless = all.filter(({ weight }) => weight === 0n);
  if (gap === 0n || weighing.length > CANDIDATES_MAX) return undefined;
  for (let chosen = 1; chosen < 2 ** weighing.length; chosen += 1) {
    const some = weighing.filter((_, index) => (chosen >> index) % 2 === 1);
    if (some.reduce((sum, { weight }) => sum + weight, 0n) === gap)
      return new Set([...some, ...weightless].map(({ one }) => one));
  }
  return undefined;
};

interface Row {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly eventId: string;
  readonly counted: boolean;
  readonly identity: string;
}

/** The rows of a partition that differs, and what its ledger says of them, at one moment. */
interface HeldRows {
  readonly nextOffset: bigint;
  /** Sums of `ROW_IDENTITY`: what the ledger has, and what the rows have. */
  readonly countedDigest: bigint;
  readonly digest: bigint;
  /** By `rowName`. */
  readonly rows: Map<string, Row>;
}

/** Rows of one partition that are compared with Kafka; of a partition with more of them a surplus is only counted. */
const COMPARED_MAX = 200_000;
const ROWS = adHoc(
  `SELECT kafka_topic AS topic, kafka_partition AS partition, kafka_offset::text AS "offset",
    razorpay_event_id AS "eventId", counted, (${ROW_IDENTITY})::text AS identity
     FROM webhook_events WHERE kafka_topic = $1 AND kafka_partition = $2 AND ($3::text[] IS NULL OR verdict = ANY ($3))
       LIMIT ${COMPARED_MAX + 1}`,
);

const rowName = ({ offset, eventId }: Pick<Row, 'offset' | 'eventId'>): string => `${offset} ${eventId}`;

/** All rows; of a partition with too many of them, those that stand as what there are too many of. */
const heldRows = async (database: Database, losses: readonly (EventsLoss | Surplus)[]): Promise<HeldRows> =>
  database.transaction(async (tx) => {
    await tx.query(adHoc('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY'));
    await readEverything(tx);
    const [{ topic, partition } = { topic: '', partition: 0 }] = losses;
    const verdicts = losses.flatMap((loss) => (loss.kind === 'surplus' ? loss.verdicts : []));
    const ledger = (await readLedger(tx)).filter((row) => row.topic === topic && row.partition === partition);
    const { digest } = balanceOf(ledger, await tx.query<EventRows>(EVENT_ROWS_OF, [topic, partition]));
    const ask = async (standing: readonly string[] | null): Promise<readonly Row[]> =>
      (await tx.query<Omit<Row, 'offset'> & { readonly offset: string }>(ROWS, [topic, partition, standing])).map(
        (row): Row => ({ ...row, offset: BigInt(row.offset) }),
      );
    const all = await ask(null);
    const rows = all.length > COMPARED_MAX ? await ask(verdicts) : all;
    return {
      nextOffset: ledger.reduce((last, row) => (row.nextOffset > last ? row.nextOffset : last), 0n),
      countedDigest: ledger.reduce((sum, row) => sum + row.rowsDigest, 0n),
      digest,
      rows: new Map((rows.length > COMPARED_MAX ? [] : rows).map((row) => [rowName(row), row])),
    };
  });

/** Of what Kafka has given up nobody can tell: rows whose records lay before what was read are left out. */
const strangeRows = (held: HeldRows | undefined, readFrom: bigint | undefined): readonly Row[] =>
  [...(held?.rows.values() ?? [])].filter(
    ({ offset }) => (readFrom !== undefined && offset >= readFrom) || offset >= (held?.nextOffset ?? 0n),
  );

/**
 * Where more rows are strange to Kafka than there are too many, its log is
 * another than they came from: none is told apart.
 */
const namedSurplus = (surplus: Surplus, uncounted: readonly Finding[]): readonly Finding[] =>
  uncounted.length === 0 || uncounted.length > surplus.events
    ? [surplus]
    : [
        ...uncounted,
        ...(uncounted.length < surplus.events ? [{ ...surplus, events: surplus.events - uncounted.length }] : []),
      ];

const placeOf = ({ topic, partition }: { readonly topic: string; readonly partition: number }): string =>
  `${topic}/${partition}`;

/** The record as its consumer reads it: the id under which its event is kept. */
const nameOf = async (record: StoredRecord, decoder: EnvelopeDecoder): Promise<Omit<Named, 'identity'>> => {
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
  `SELECT given.razorpay_event_id AS "eventId", kafka_offset::text AS "offset", (${ROW_IDENTITY})::text AS identity
     FROM unnest($1::text[], $2::text[], $3::bigint[]) AS given (razorpay_event_id, other_id, kafka_offset)
    WHERE NOT EXISTS (SELECT 1 FROM webhook_events e WHERE e.razorpay_event_id IN (given.razorpay_event_id, given.other_id))`,
);

const missingOf = async (database: Database, named: readonly Omit<Named, 'identity'>[]): Promise<readonly Named[]> => {
  if (named.length === 0) return [];
  const rows = await database.query<Record<'eventId' | 'offset' | 'identity', string>>(MISSING, [
    named.map(({ eventId }) => eventId),
    named.map(({ topic, partition, offset }) => `unstorable-${topic}-${partition}-${offset}`),
    named.map(({ offset }) => offset),
  ]);
  const missing = new Map(rows.map(({ eventId, offset, identity }) => [`${offset} ${eventId}`, identity]));
  return named.flatMap((one) => {
    const identity = missing.get(rowName(one));
    return identity === undefined ? [] : [{ ...one, identity }];
  });
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
