import { families, familyNames } from '#catalogue';
import type { Family } from '#catalogue';
import { readLedger, ROW_IDENTITY } from '#apply';
import type { LedgerRow } from '#apply';
import { adHoc } from '#platform/postgres';
import type { Database, Transaction } from '#platform/postgres';
import type { Disposition } from '#rules';

type Recorded = (typeof RECORDED)[number];

/** What the rows of Postgres lack or have too many of, or the ledger lacks. */
export type Loss =
  /** Rows of webhook_events that the ledger counts and that are not there. */
  | { readonly kind: 'events'; readonly topic: string; readonly partition: number; readonly events: number }
  /** Rows that are there and that the ledger does not count, by what they stand as. */
  | {
      readonly kind: 'surplus';
      readonly topic: string;
      readonly partition: number;
      readonly events: number;
      readonly verdicts: readonly Recorded[];
    }
  /** There are events of a partition that the ledger knows nothing of. */
  | { readonly kind: 'ledger-row'; readonly topic: string; readonly partition: number; readonly events: number }
  /** An event was applied to an entity that has no row. */
  | { readonly kind: 'entity'; readonly topic: string; readonly family: Family; readonly key: string };

/**
 * Each disposition whose record has a row of its own in webhook_events.
 * A sighting has one only while it waits, or if it once did.
 */
export const RECORDED = [
  'applied',
  'kept',
  'stale',
  'rejected',
  'parked',
  'quarantined',
  'dead',
] as const satisfies readonly Disposition[];
/** Longest time in ms for reading all rows. */
const AUDIT_TIMEOUT_MS = 600_000;
/** Entities without a row that are named; more of them are one trouble. */
const ENTITIES_MAX = 1_000;

/** Rows of one partition that stand as one verdict. */
export interface EventRows {
  readonly topic: string;
  readonly partition: number;
  readonly verdict: Recorded | 'sighted';
  readonly events: number;
  /** Sum of `ROW_IDENTITY` over those that are in the ledger's, as a decimal number. */
  readonly digest: string;
}

/**
 * A second body under a taken id has its row in webhook_events too,
 * but for those of releases that counted it as rejected.
 */
const EVENT_ROWS = `SELECT topic, partition, verdict, count(*) AS events,
    coalesce(sum(identity) FILTER (WHERE counted), 0)::text AS digest
     FROM (SELECT kafka_topic AS topic, kafka_partition AS partition, verdict, counted, ${ROW_IDENTITY} AS identity
             FROM webhook_events
           UNION ALL SELECT kafka_topic, kafka_partition, 'rejected', true, ${ROW_IDENTITY}
             FROM event_conflicts WHERE kept_as IS NULL) kept`;
const ALL_EVENT_ROWS = adHoc(`${EVENT_ROWS} GROUP BY 1, 2, 3`);
export const EVENT_ROWS_OF = adHoc(`${EVENT_ROWS} WHERE topic = $1 AND partition = $2 GROUP BY 1, 2, 3`);

/** Entities that an event was applied to and that have no row, family by family. */
const ENTITIES_WITHOUT_ROW = adHoc(
  `WITH touched AS MATERIALIZED (SELECT DISTINCT family, entity_key FROM webhook_events WHERE verdict IN ('applied', 'kept'))
   ${familyNames
     .map(
       (family) =>
         `SELECT family, entity_key AS key FROM touched WHERE family = '${family}' AND NOT EXISTS (SELECT 1
           FROM ${families[family].table} t WHERE t.${families[family].keyColumn} = entity_key)`,
     )
     .join(' UNION ALL ')} ORDER BY family, key LIMIT ${ENTITIES_MAX}`,
);

/**
 * Reads every row of webhook_events, in one snapshot with the ledger, and answers what is missing or too much: beside
 * the offsets of Kafka, which `accounting` compares, the ledger's counts must be there as rows, and what was applied as
 * a state. It costs a pass over the table, so it is not part of every look.
 */
export const auditRows = async (database: Database): Promise<readonly Loss[]> => {
  const [ledger, rows, entities] = await database.transaction(async (tx) => {
    await tx.query(adHoc('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY'));
    await readEverything(tx);
    return [await readLedger(tx), await tx.query<EventRows>(ALL_EVENT_ROWS), await entitiesIn(tx)] as const;
  });
  return [...lossesIn(ledger, rows), ...entities];
};

/** For statements that read whole tables, which no index makes cheaper. */
export const readEverything = async (tx: Transaction): Promise<void> => {
  await tx.query(adHoc(`SET LOCAL statement_timeout = ${AUDIT_TIMEOUT_MS}`));
  await tx.query(adHoc('SET LOCAL enable_seqscan = on'));
};

const entitiesIn = async (tx: Transaction): Promise<readonly Loss[]> =>
  (await tx.query<{ readonly family: Family; readonly key: string }>(ENTITIES_WITHOUT_ROW)).map(({ family, key }) => ({
    kind: 'entity',
    topic: families[family].topic,
    family,
    key,
  }));

type AuditedRow = Pick<LedgerRow, 'topic' | 'partition' | 'counts' | 'retired' | 'rowsDigest'>;

/** By which verdicts the rows of a partition differ from its counts. */
export interface RowBalance {
  /** Rows that are counted and neither there nor retired. */
  readonly missing: number;
  /** Rows that are there and not counted. */
  readonly surplus: number;
  /** Counted beside what is there; below 0 where more are there. */
  readonly beside: ReadonlyMap<Recorded, number>;
  /** Sum of `ROW_IDENTITY` over the rows that are there, of those that are in the ledger's. */
  readonly digest: bigint;
}

/**
 * Verdict by verdict, so that a row too many does not make up for one that is lost; and where all numbers are right
 * and the digest is not, one row at least is lost and one too many. What was retired may have stood as any; where an
 * operator has taken rows as they are that nobody counted, it is below 0.
 */
export const balanceOf = (
  ledger: readonly Pick<LedgerRow, 'counts' | 'retired' | 'rowsDigest'>[],
  rows: readonly Pick<EventRows, 'verdict' | 'events' | 'digest'>[],
): RowBalance => {
  const there = new Map<string, number>(rows.map(({ verdict, events }) => [verdict, events]));
  const beside = new Map(
    RECORDED.map((name): [Recorded, number] => [
      name,
      ledger.reduce((sum, { counts }) => sum + counts[name], 0) - (there.get(name) ?? 0),
    ]),
  );
  const retired = ledger.reduce((sum, row) => sum + row.retired, 0);
  const sumOf = (of: (difference: number) => number): number =>
    [...beside.values()].reduce((sum, difference) => sum + Math.max(0, of(difference)), 0);
  const absent = sumOf((difference) => difference) - Math.max(0, retired);
  const present = sumOf((difference) => -difference) - Math.max(0, -retired);
  const missing = Math.max(0, absent) + Math.max(0, -present);
  const surplus = Math.max(0, present) + Math.max(0, -absent);
  const digest = rows.reduce((sum, row) => sum + BigInt(row.digest), 0n);
  const counted = ledger.reduce((sum, row) => sum + row.rowsDigest, 0n);
  const isExchanged = missing === 0 && surplus === 0 && digest !== counted;
  return isExchanged ? { missing: 1, surplus: 1, beside, digest } : { missing, surplus, beside, digest };
};

export const lossesIn = (ledger: readonly AuditedRow[], rows: readonly EventRows[]): readonly Loss[] => {
  const counted = Map.groupBy(ledger, placeOf);
  const there = Map.groupBy(rows, placeOf);
  return [
    ...[...counted].flatMap(([place, ofPlace]): readonly Loss[] => {
      const [{ topic, partition } = { topic: place, partition: 0 }] = ofPlace;
      const { missing, surplus, beside } = balanceOf(ofPlace, there.get(place) ?? []);
      const exceeding = RECORDED.filter((name) => (beside.get(name) ?? 0) < 0);
      // Less is missing than was retired: any of them may be too many.
      const verdicts = exceeding.length > 0 ? exceeding : RECORDED;
      return [
        ...(missing > 0 ? [{ kind: 'events' as const, topic, partition, events: missing }] : []),
        ...(surplus > 0 ? [{ kind: 'surplus' as const, topic, partition, events: surplus, verdicts }] : []),
      ];
    }),
    ...[...there].flatMap(([place, ofPlace]): readonly Loss[] => {
      const [{ topic, partition } = { topic: place, partition: 0 }] = ofPlace;
      const events = ofPlace.reduce((sum, one) => sum + (one.verdict === 'sighted' ? 0 : one.events), 0);
      return counted.has(place) || events === 0 ? [] : [{ kind: 'ledger-row', topic, partition, events }];
    }),
  ];
};

const placeOf = ({ topic, partition }: { readonly topic: string; readonly partition: number }): string =>
  `${topic}/${partition}`;
