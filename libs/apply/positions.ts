import type { PartitionLog, Position, PositionSource, RecordMark } from '#kafka';
import { adHoc, arraysOf, batchLoader, statement, unnested, writeAudit } from '#platform/postgres';
import type { Column, Database, Transaction } from '#platform/postgres';
import { dispositions } from '#rules';
import { lockLedgers, placeName } from './ledger.ts';
import type { Counts, LedgerKey, Place } from './ledger.ts';
import { reasonOf } from './reduce-events.ts';

/** One row of partition_ledger. */
export interface LedgerRow extends LedgerKey {
  readonly clusterId: string;
  readonly firstOffset: bigint;
  readonly nextOffset: bigint;
  readonly counts: Counts;
  /**
   * Where the log ended when it was found to end before `nextOffset`; null unless an operator has to decide about that.
   */
  readonly pastEnd: bigint | null;
  readonly updatedAt: Date;
  /** Offsets that operators passed over without applying them. */
  readonly skipped: number;
  /** Events whose rows went with the retired days of webhook_events. */
  readonly retired: number;
  /** Sum of `ROW_IDENTITY` over the rows that were counted and not retired. */
  readonly rowsDigest: bigint;
  /** When the position last moved. */
  readonly movedAt: Date;
  /** Why the partition did not go on, as its consumer said last, and when. */
  readonly lastError: string | null;
  readonly lastErrorAt: Date | null;
  /** The record before the position; null where it is not known. */
  readonly mark: RecordMark | null;
}

/**
 * Where a consumer goes on, or why only a person can decide. Going on at another place than the ledger's would skip
 * events or mistake other events for those that were counted.
 */
export const positionIn = (
  {
    group,
    topic,
    partition,
    clusterId,
    nextOffset,
    pastEnd,
    mark = null,
  }: LedgerKey & Pick<LedgerRow, 'clusterId' | 'nextOffset' | 'pastEnd'> & Partial<Pick<LedgerRow, 'mark'>>,
  log: PartitionLog,
): Position => {
  const place = `${topic}/${partition} of ${group}`;
  const remedy =
    `decide with: npx dakia ledger rebase --group ${group} --topic ${topic} --partition ${partition} --to ` +
    'OFFSET --reason TEXT';
  if (clusterId !== log.clusterId) {
    return {
      kind: 'halted',
      reason: 'other-cluster',
      offset: nextOffset,
      explanation:
        `${place} was read from the Kafka cluster ${clusterId}, this one is ${log.clusterId}; its offsets mean ` +
        `other events; ${remedy}`,
    };
  }
  const end = pastEnd ?? (nextOffset > log.endOffset ? log.endOffset : null);
  if (end !== null) {
    return {
      kind: 'halted',
      reason: 'past-end',
      offset: nextOffset,
      explanation:
        `${place} stands at ${nextOffset}, but the log ended at ${end}; events were lost from Kafka or the ` +
        `topic was made anew; ${remedy}`,
    };
  }
  if (nextOffset < log.startOffset) {
    return {
      kind: 'halted',
      reason: 'gap',
      offset: nextOffset,
      explanation:
        `${place}: the offsets ${nextOffset} to ${log.startOffset - 1n} are gone from Kafka and were ` +
        `not applied; ${remedy}`,
    };
  }
  return { kind: 'at', offset: nextOffset, ...(mark === null ? {} : { before: mark }) };
};

/** Where a partition begins that has no row yet. */
type Beginning = Place & Pick<PartitionLog, 'clusterId' | 'startOffset'>;
const BEGINNING: readonly Column<Beginning>[] = [
  { name: 'topic', type: 'text', of: ({ topic }) => topic },
  { name: 'partition', type: 'int', of: ({ partition }) => partition },
  { name: 'cluster_id', type: 'text', of: ({ clusterId }) => clusterId },
  { name: 'start', type: 'bigint', of: ({ startOffset }) => startOffset },
];
/** In the one order that everybody takes partitions in. */
const BEGIN = statement(
  'ledger_begin',
  `INSERT INTO partition_ledger (consumer_group, topic, partition, cluster_id, first_offset, next_offset)
   SELECT $1, topic, partition, cluster_id, start, start FROM ${unnested(BEGINNING, 2, 'given')}
    ORDER BY topic, partition ON CONFLICT DO NOTHING`,
);
const COLUMNS = `consumer_group, topic, partition, cluster_id, first_offset, next_offset, ${dispositions.join(', ')}, past_end, updated_at, skipped, retired, moved_at, last_error, last_error_at,
  mark_event_id, mark_appended_ms, mark_leader_epoch, rows_digest::text AS rows_digest`;
/** Stays halted even when the log grows past the position; only a rebase takes it back. */
const FOUND_PAST_END = statement(
  'ledger_past_end',
  `UPDATE partition_ledger SET past_end = $5 WHERE consumer_group = $1 AND topic = $2 AND partition = $3
    AND next_offset = $4 AND past_end IS NULL`,
);
const READ = statement(
  'ledger_read',
  `SELECT ${COLUMNS} FROM partition_ledger
    WHERE consumer_group = $1 AND (topic, partition) IN (SELECT * FROM unnest($2::text[], $3::int[]))`,
);
/** Partitions of one statement; an assignment has fewer. */
const TOGETHER_MAX = 500;

type Row = Readonly<Record<(typeof dispositions)[number] | 'first_offset' | 'next_offset', number | bigint>> & {
  readonly consumer_group: string;
  readonly topic: string;
  readonly partition: number;
  readonly cluster_id: string;
  readonly past_end: number | bigint | null;
  readonly updated_at: Date;
  readonly skipped: number;
  readonly retired: number;
  readonly rows_digest: string;
  readonly moved_at: Date;
  readonly last_error: string | null;
  readonly last_error_at: Date | null;
  readonly mark_event_id: string | null;
  readonly mark_appended_ms: number | null;
  readonly mark_leader_epoch: number | null;
};

const ledgerRow = (row: Row): LedgerRow => ({
  group: row.consumer_group,
  topic: row.topic,
  partition: row.partition,
  clusterId: row.cluster_id,
  firstOffset: BigInt(row.first_offset),
  nextOffset: BigInt(row.next_offset),
  counts: Object.fromEntries(dispositions.map((name) => [name, Number(row[name])])) as Counts,
  pastEnd: row.past_end === null ? null : BigInt(row.past_end),
  updatedAt: row.updated_at,
  skipped: row.skipped,
  retired: row.retired,
  rowsDigest: BigInt(row.rows_digest),
  movedAt: row.moved_at,
  lastError: row.last_error,
  lastErrorAt: row.last_error_at,
  mark:
    row.mark_appended_ms === null
      ? null
      : { eventId: row.mark_event_id, appendedMs: row.mark_appended_ms, leaderEpoch: row.mark_leader_epoch },
});

const isPastEnd = (position: Position): boolean => position.kind === 'halted' && position.reason === 'past-end';

const STANDINGS = statement(
  'ledger_standings',
  'SELECT topic, partition, next_offset FROM partition_ledger WHERE consumer_group = $1',
);
const NOTE = statement(
  'ledger_note',
  `UPDATE partition_ledger SET last_error = $4, last_error_at = now() WHERE consumer_group = $1 AND topic = $2
    AND partition = $3`,
);

/**
 * The ledger of one consumer group as the source of positions. A partition that has no row begins at the log's start.
 */
export const createPositions = (database: Database, group: string): PositionSource => {
  /** Partitions are assigned together: one connection and two statements for all, and not a connection each. */
  const begin = batchLoader(async (beginnings: readonly Beginning[]) => {
    const [topics, partitions, ...others] = arraysOf(BEGINNING, beginnings);
    await database.query(BEGIN, [group, topics, partitions, ...others]);
    const rows = await database.query<Row>(READ, [group, topics, partitions]);
    const found = new Map(rows.map((row) => [placeName(row), ledgerRow(row)]));
    return beginnings.map(
      (place) =>
        found.get(placeName(place)) ??
        new Error(
          `partition_ledger has no row of ${group} for ${placeName(place)}: it was deleted, or another consumer ` +
            'group reads this topic',
        ),
    );
  }, TOGETHER_MAX);
  return {
    positionOf: async (topic, partition, log, earlier) => {
      const position = positionIn(await begin({ topic, partition, ...log }), log);
      if (isPastEnd(position) && earlier !== undefined && isPastEnd(earlier) && earlier.offset === position.offset) {
        await database.query(FOUND_PAST_END, [group, topic, partition, position.offset, log.endOffset]);
      }
      return position;
    },
    standings: async () => {
      const rows = await database.query<Place & { readonly next_offset: number | bigint }>(STANDINGS, [group]);
      return new Map(rows.map((row) => [placeName(row), BigInt(row.next_offset)]));
    },
    note: async (topic, partition, trouble) =>
      void (await database.query(NOTE, [group, topic, partition, reasonOf(trouble)])),
  };
};

/** The whole ledger, by group, topic and partition. */
export const readLedger = async (database: Transaction): Promise<readonly LedgerRow[]> =>
  (
    await database.query<Row>(
      adHoc(`SELECT ${COLUMNS} FROM partition_ledger ORDER BY consumer_group, topic, partition`),
    )
  ).map(ledgerRow);

/** What an operator decides, and why. */
export interface OperatorAction {
  /** Who decides; kept in audit_logs. */
  readonly who: string;
  readonly reason: string;
}

export const operatorActor = (who: string): string => `operator:${who}`;

/** An offset means something in one Kafka cluster only. */
export interface LedgerPlace {
  readonly clusterId: string;
  readonly offset: bigint;
}

/**
 * `there-already`: somebody else has moved it to the same place
 * meanwhile. `changed`: it stands elsewhere than it was shown.
 */
export type RebaseOutcome =
  | { readonly kind: 'moved' /** Records that were passed over without being applied. */; readonly skipped: number }
  | { readonly kind: 'there-already' | 'no-row' }
  | { readonly kind: 'changed'; readonly now: LedgerPlace };

const isSamePlace = (one: LedgerPlace, other: LedgerPlace): boolean =>
  one.clusterId === other.clusterId && one.offset === other.offset;

/**
 * What is passed over when a partition goes to `offset`: in the same log everything between its position and there, in
 * another one everything before it. Going back passes over nothing.
 */
const PASSED_OVER =
  'greatest(0, $5::bigint - CASE WHEN cluster_id = $4 AND past_end IS NULL THEN next_offset ELSE $6::bigint END)';

/**
 * Moves a partition to `offset` of the cluster `clusterId`, as an operator has decided. What was counted stays counted:
 * first_offset moves along, and what is passed over without being applied is counted as skipped, for ever. `shown`:
 * where it stood when the operator decided; when it stands elsewhere, nothing is done.
 */
export const rebaseLedger = async (
  database: Database,
  key: LedgerKey,
  to: LedgerPlace & { readonly startOffset: bigint },
  { who, reason }: OperatorAction,
  shown?: LedgerPlace,
): Promise<RebaseOutcome> =>
  database.transaction(async (tx) => {
    const from = (await lockLedgers(tx, key.group, [key], 'wait')).get(placeName(key));
    if (from === undefined) return { kind: 'no-row' };
    const [row] = await tx.query<Row>(READ, [key.group, [key.topic], [key.partition]]);
    if (row === undefined) return { kind: 'no-row' };
    const now: LedgerPlace = { clusterId: row.cluster_id, offset: BigInt(row.next_offset) };
    if (shown !== undefined && !isSamePlace(now, shown))
      return isSamePlace(now, to) ? { kind: 'there-already' } : { kind: 'changed', now };
    const [moved] = await tx.query<{ readonly passed: number }>(
      adHoc(
        `WITH before AS (
           SELECT ${PASSED_OVER} AS passed FROM partition_ledger WHERE consumer_group = $1 AND topic = $2
             AND partition = $3)
         UPDATE partition_ledger
            SET cluster_id = $4, first_offset = first_offset + $5::bigint - next_offset - passed, next_offset = $5,
              skipped = skipped + passed,
                past_end = NULL, mark_event_id = NULL, mark_appended_ms = NULL, mark_leader_epoch = NULL,
                  last_error = NULL, last_error_at = NULL, updated_at = now(), moved_at = now()
           FROM before WHERE consumer_group = $1 AND topic = $2 AND partition = $3 RETURNING passed`,
      ),
      [key.group, key.topic, key.partition, to.clusterId, to.offset, to.startOffset],
    );
    const skipped = moved?.passed ?? 0;
    const passing = skipped === 0 ? '' : `, passing over ${skipped}`;
    const what = `${key.group} ${key.topic}/${key.partition} from ${from} to ${to.offset}${passing}: ${reason}`;
    await writeAudit(tx, { actor: operatorActor(who), action: 'ledger.rebase', reason: what });
    return { kind: 'moved', skipped };
  });
