import { familyNames, familySpec } from '#catalogue';
import type { Family } from '#catalogue';
import { adHoc, statement, writeAudit } from '#platform/postgres';
import type { Database, Transaction } from '#platform/postgres';
import type { Instant } from '#rules';
import type { StoredFact } from './stored-fact.ts';

type Row = Omit<StoredFact, 'occurrence'> & { readonly dedupeKey: string };

const COLUMNS = `id AS "factId", name AS kind, family, entity_key AS "entityKey", round(date_part('epoch', created_at) * 1000) AS "factAt",
         payload->>'endpoint' AS endpoint, payload->>'eventId' AS "eventId", traceparent, dedupe_key AS "dedupeKey"`;
const FACT = `SELECT ${COLUMNS} FROM outbox WHERE relayed_at IS NULL`;
const TAKE_ONE = statement('outbox_take_one', `${FACT} AND id = $1 FOR UPDATE SKIP LOCKED`);
const RELAYED = statement(
  'outbox_relayed',
  'UPDATE outbox SET relayed_at = clock_timestamp() WHERE id = ANY($1::bigint[])',
);

/** Families by how urgent they are, most urgent first. */
const lanes: readonly (readonly Family[])[] = [
  ...Map.groupBy(
    familyNames.toSorted((one, other) => familySpec(one).priority - familySpec(other).priority),
    (family) => familySpec(family).priority,
  ).values(),
];

/** Parameters of `TAKE`: how many at most, the families that are known, and those of each lane. */
const [LIMIT, KNOWN, FIRST_LANE] = [1, 2, 3] as const;
const LANE_FILTERS = [
  ...lanes.map((_, index) => `family = ANY($${FIRST_LANE + index}::text[])`),
  `family <> ALL($${KNOWN}::text[])`,
];
/** What the lanes before have left of the limit. */
const leftFor = (lane: number): string =>
  [`$${LIMIT}::bigint`, ...LANE_FILTERS.slice(0, lane).map((_, index) => `(SELECT count(*) FROM lane_${index})`)].join(
    ' - ',
  );
/** All lanes in one round trip: each takes what those before have left of the limit. */
const TAKE = statement(
  'outbox_take_lanes',
  `WITH ${LANE_FILTERS.map(
    (filter, lane) => `lane_${lane} AS MATERIALIZED (
       ${FACT} AND ${filter} ORDER BY id LIMIT ${leftFor(lane)} FOR UPDATE SKIP LOCKED)`,
  ).join(',\n     ')}
   SELECT * FROM (${LANE_FILTERS.map((_, lane) => `SELECT ${lane} AS lane, * FROM lane_${lane}`).join(' UNION ALL ')}) AS taken
    ORDER BY lane, "factId"`,
);

/**
 * Facts that are not relayed and that no other relay has in hand: those of urgent families first, and the oldest first
 * among them; those of families that this release does not know last. One entity's facts are of one family, so they
 * keep their order. They are this transaction's until it ends.
 */
export const takeFacts = async (tx: Transaction, limit: number): Promise<readonly StoredFact[]> =>
  (await tx.query<Row & { readonly lane: number }>(TAKE, [limit, familyNames, ...lanes])).map(({ lane: _, ...row }) =>
    factOf(row),
  );

/** One of them, unless it is relayed or in another relay's hand by now. */
export const takeFact = async (tx: Transaction, factId: number): Promise<readonly StoredFact[]> =>
  (await tx.query<Row>(TAKE_ONE, [factId])).map(factOf);

const HISTORY = 'relayed_at IS NOT NULL AND created_at >= $1::timestamptz AND created_at < $2::timestamptz';
const RANGE = adHoc(`SELECT count(*) AS total, min(id) AS first, max(id) AS last FROM outbox WHERE ${HISTORY}`);
const PAGE = statement(
  'outbox_history_page',
  `SELECT ${COLUMNS} FROM outbox WHERE ${HISTORY} AND id >= $3 AND id <= $4 ORDER BY id LIMIT $5`,
);
const RELAYED_ONES = statement(
  'outbox_history',
  `SELECT ${COLUMNS} FROM outbox WHERE relayed_at IS NOT NULL AND id = ANY($1::bigint[]) ORDER BY id`,
);

interface HistoryRange {
  readonly total: number;
  /** Numbers of the first and the last; null where there is none. */
  readonly first: number | null;
  readonly last: number | null;
}

/**
 * The facts that became known from `since` on and before `until` and that
 * the relay is done with, by their numbers, at most `limit` at once.
 */
export async function* readHistory(
  tx: Transaction,
  { since, until, limit }: { readonly since: Date; readonly until: Date; readonly limit: number },
): AsyncGenerator<{ readonly facts: readonly StoredFact[]; readonly total: number }> {
  const [range] = await tx.query<HistoryRange>(RANGE, [since, until]);
  if (range === undefined || range.first === null || range.last === null) return;
  const { total, first, last } = range;
  for (let from = first; from <= last; ) {
    const facts = (await tx.query<Row>(PAGE, [since, until, from, last, limit])).map(factOf);
    const end = facts.at(-1);
    if (end === undefined) return;
    yield { facts, total };
    from = end.factId + 1;
  }
}

/** These facts, as far as the relay is done with them. */
export const relayedFacts = async (tx: Transaction, factIds: readonly number[]): Promise<readonly StoredFact[]> =>
  (await tx.query<Row>(RELAYED_ONES, [factIds])).map(factOf);

export const markRelayed = async (tx: Transaction, factIds: readonly number[]): Promise<void> => {
  if (factIds.length > 0) await tx.query(RELAYED, [factIds]);
};

/**
 * The occurrence is what follows the three parts that the row also has by themselves (libs/apply/record-decisions.ts).
 */
const factOf = ({ dedupeKey, ...row }: Row): StoredFact => {
  const known = `${row.family}:${row.entityKey}:${row.kind}:`;
  return { ...row, occurrence: dedupeKey.startsWith(known) ? dedupeKey.slice(known.length) : dedupeKey };
};

export interface UnusableFact {
  readonly fact: StoredFact;
  readonly reason: string;
}

/** Keeps which facts were told to nobody because they could not be understood, and why. */
export const recordUnusable = async (tx: Transaction, unusable: readonly UnusableFact[]): Promise<void> =>
  writeAudit(
    tx,
    ...unusable.map(({ fact: { family, entityKey: key, kind: event }, reason }) => ({
      actor: 'notifier',
      action: 'fact.unusable',
      family,
      key,
      event,
      reason,
    })),
  );

/** What waits in the outbox. */
export interface Backlog {
  readonly unrelayed: number;
  /** When the oldest of them became known; null when there is none. */
  readonly oldestAt: Instant | null;
}

/** Reads the partial index of what is not relayed, and nothing else. */
const BACKLOG = adHoc(
  `SELECT count(*) AS unrelayed, round(date_part('epoch', min(created_at)) * 1000) AS "oldestAt" FROM outbox
    WHERE relayed_at IS NULL`,
);

export const readBacklog = async (database: Database): Promise<Backlog> => {
  const [row] = await database.query<Backlog>(BACKLOG);
  return row ?? { unrelayed: 0, oldestAt: null };
};
