import { adHoc, statement, writeAudit } from '#platform/postgres';
import type { Database, Transaction } from '#platform/postgres';
import type { Instant } from '#rules';
import type { StoredFact } from './stored-fact.ts';

type Row = Omit<StoredFact, 'occurrence'> & { readonly dedupeKey: string };

const FACT = `SELECT id AS "factId", name AS kind, family, entity_key AS "entityKey", round(date_part('epoch', created_at) * 1000) AS "factAt",
         payload->>'endpoint' AS endpoint, traceparent, dedupe_key AS "dedupeKey" FROM outbox WHERE relayed_at IS NULL`;
const TAKE = statement('outbox_take', `${FACT} ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED`);
const TAKE_ONE = statement('outbox_take_one', `${FACT} AND id = $1 FOR UPDATE SKIP LOCKED`);
const RELAYED = statement(
  'outbox_relayed',
  'UPDATE outbox SET relayed_at = clock_timestamp() WHERE id = ANY($1::bigint[])',
);

/** The oldest facts that are not relayed and that no other relay has in hand. They are this transaction's until it ends. */
export const takeFacts = async (tx: Transaction, limit: number): Promise<readonly StoredFact[]> =>
  (await tx.query<Row>(TAKE, [limit])).map(factOf);

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
