import { families, familyNames } from '#catalogue';
import type { Family } from '#catalogue';
import { readLedger } from '#apply';
import type { LedgerRow } from '#apply';
import { adHoc } from '#platform/postgres';
import type { Database, Transaction } from '#platform/postgres';
import type { Disposition } from '#rules';

/** What the rows of Postgres lack, or the ledger. */
export type Loss =
  /** Rows of webhook_events that the ledger counts and that are not there. */
  | { readonly kind: 'events'; readonly topic: string; readonly partition: number; readonly events: number }
  /** There are events of a partition that the ledger knows nothing of. */
  | { readonly kind: 'ledger-row'; readonly topic: string; readonly partition: number; readonly events: number }
  /** An event was applied to an entity that has no row. */
  | { readonly kind: 'entity'; readonly topic: string; readonly family: Family; readonly key: string };

/** Each disposition whose record has a row of its own in webhook_events. A sighting has one only while it waits, or if it once did. */
const RECORDED = [
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

interface EventRows {
  readonly topic: string;
  readonly partition: number;
  readonly events: number;
}

/** A second body under a taken id has its row in webhook_events too, but for those of releases that did not apply it. */
const EVENT_ROWS = adHoc(
  `SELECT topic, partition, count(*) AS events
     FROM (SELECT kafka_topic AS topic, kafka_partition AS partition FROM webhook_events WHERE verdict <> 'sighted'
           UNION ALL SELECT kafka_topic, kafka_partition FROM event_conflicts WHERE kept_as IS NULL) kept GROUP BY 1, 2`,
);

/** Entities that an event was applied to and that have no row, family by family. */
const ENTITIES_WITHOUT_ROW = adHoc(
  `WITH touched AS MATERIALIZED (SELECT DISTINCT family, entity_key FROM webhook_events WHERE verdict IN ('applied', 'kept'))
   ${familyNames
     .map(
       (family) =>
         `SELECT family, entity_key AS key FROM touched WHERE family = '${family}' AND NOT EXISTS (SELECT 1 FROM ${families[family].table} t WHERE t.${families[family].keyColumn} = entity_key)`,
     )
     .join(' UNION ALL ')} ORDER BY family, key LIMIT ${ENTITIES_MAX}`,
);

/**
 * Reads every row of webhook_events, in one snapshot with the ledger, and answers what is missing: beside the offsets of Kafka, which
 * `accounting` compares, the ledger's counts must be there as rows, and what was applied as a state. It costs a pass over the table, so it is not part
 * of every look.
 */
export const auditRows = async (database: Database): Promise<readonly Loss[]> => {
  const [ledger, rows, entities] = await database.transaction(async (tx) => {
    await tx.query(adHoc('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY'));
    await readEverything(tx);
    return [await readLedger(tx), await tx.query<EventRows>(EVENT_ROWS), await entitiesIn(tx)] as const;
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

type AuditedRow = Pick<LedgerRow, 'topic' | 'partition' | 'counts' | 'retired'>;

/** How many rows the counts of a partition stand for. */
export const recordedIn = (counts: LedgerRow['counts']): number =>
  RECORDED.reduce((sum, name) => sum + counts[name], 0);

/** More rows than are counted are no loss: the row of the ledger began anew, and has met them as duplicates. */
export const lossesIn = (ledger: readonly AuditedRow[], rows: readonly EventRows[]): readonly Loss[] => {
  const counted = new Map(ledger.map((row) => [`${row.topic}/${row.partition}`, row]));
  const there = new Map(rows.map((row) => [`${row.topic}/${row.partition}`, row.events]));
  return [
    ...ledger.flatMap(({ topic, partition, counts, retired }): Loss[] => {
      const events = recordedIn(counts) - retired - (there.get(`${topic}/${partition}`) ?? 0);
      return events > 0 ? [{ kind: 'events', topic, partition, events }] : [];
    }),
    ...rows
      .filter(({ topic, partition }) => !counted.has(`${topic}/${partition}`))
      .map(({ topic, partition, events }): Loss => ({ kind: 'ledger-row', topic, partition, events })),
  ];
};
