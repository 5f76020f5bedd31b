import { familyNames, familySpec } from '#catalogue';
import type { Family } from '#catalogue';
import { adHoc, statement, writeAudit } from '#platform/postgres';
import type { Database, Transaction } from '#platform/postgres';
import type { Instant } from '#rules';
import type { StoredFact } from './stored-fact.ts';

type Row = Omit<StoredFact, 'occurrence'> & { readonly dedupeKey: string };

const FACT = `SELECT id AS "factId", name AS kind, family, entity_key AS "entityKey", round(date_part('epoch', created_at) * 1000) AS "factAt",
         payload->>'endpoint' AS endpoint, traceparent, dedupe_key AS "dedupeKey" FROM outbox WHERE relayed_at IS NULL`;
const TAKE = statement(
  'outbox_take',
  `${FACT} AND family = ANY($2::text[]) ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED`,
);
const TAKE_REST = statement(
  'outbox_take_rest',
  `${FACT} AND family <> ALL($2::text[]) ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED`,
);
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

/**
 * Facts that are not relayed and that no other relay has in hand: those of urgent families first, and the oldest first among them; those of
 * families that this release does not know last. One entity's facts are of one family, so they keep their order. They are this transaction's until
 * it ends.
 */
export const takeFacts = async (tx: Transaction, limit: number): Promise<readonly StoredFact[]> => {
  const rows: Row[] = [];
  for (const lane of lanes) {
    if (rows.length < limit) rows.push(...(await tx.query<Row>(TAKE, [limit - rows.length, lane])));
  }
  if (rows.length < limit) rows.push(...(await tx.query<Row>(TAKE_REST, [limit - rows.length, familyNames])));
  return rows.map(factOf);
};

/** One of them, unless it is relayed or in another relay's hand by now. */
export const takeFact = async (tx: Transaction, factId: number): Promise<readonly StoredFact[]> =>
  (await tx.query<Row>(TAKE_ONE, [factId])).map(factOf);

export const markRelayed = async (tx: Transaction, factIds: readonly number[]): Promise<void> => {
  if (factIds.length > 0) await tx.query(RELAYED, [factIds]);
};

/** The occurrence is what follows the three parts that the row also has by themselves (libs/apply/record-decisions.ts). */
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
  `SELECT count(*) AS unrelayed, round(date_part('epoch', min(created_at)) * 1000) AS "oldestAt" FROM outbox WHERE relayed_at IS NULL`,
);

export const readBacklog = async (database: Database): Promise<Backlog> => {
  const [row] = await database.query<Backlog>(BACKLOG);
  return row ?? { unrelayed: 0, oldestAt: null };
};
