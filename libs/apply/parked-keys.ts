import { statement } from '#platform/postgres';
import type { Transaction } from '#platform/postgres';
import type { Arrival } from './arrival.ts';
import type { Locking } from './ledger.ts';
import { keyName, waitsBehind } from './reduce-events.ts';

const NAMED = '(family, entity_key) IN (SELECT * FROM unnest($1::text[], $2::text[]))';
const HELD = `SELECT family, entity_key, failing_event_id FROM parked_keys WHERE ${NAMED} ORDER BY family, entity_key
  FOR UPDATE`;
const LOCKS = {
  wait: statement('lock_parked', HELD),
  skip: statement(
    'lock_parked_free',
    `WITH held AS MATERIALIZED (${HELD} SKIP LOCKED)
     SELECT family, entity_key, held.failing_event_id FROM parked_keys LEFT JOIN held USING (family, entity_key)
       WHERE ${NAMED}`,
  ),
} as const;

interface ParkedRow {
  readonly family: string;
  readonly entity_key: string;
  /** Null when another transaction holds the row. */
  readonly failing_event_id: string | null;
}

export interface ParkedKeys {
  /**
   * Key name → why a later event of the key waits. Locked, so that a
   * retry of the key and this transaction are one after the other.
   */
  readonly parked: ReadonlyMap<string, string>;
  /** Names of keys that are parked, but held by another transaction. */
  readonly busy: ReadonlySet<string>;
}

/** Which keys of the events are parked. */
export const lockParkedKeys = async (
  tx: Transaction,
  arrivals: readonly Arrival[],
  locking: Locking,
): Promise<ParkedKeys> => {
  const tasks = arrivals.flatMap(({ task }) => (task.kind === 'apply' ? [task] : []));
  if (tasks.length === 0) return { parked: new Map(), busy: new Set() };
  const rows = await tx.query<ParkedRow>(LOCKS[locking], [
    tasks.map(({ family }) => family),
    tasks.map(({ key }) => key),
  ]);
  const parked = new Map<string, string>();
  const busy = new Set<string>();
  for (const { family, entity_key, failing_event_id } of rows) {
    const name = keyName(family, entity_key);
    if (failing_event_id === null) busy.add(name);
    else parked.set(name, waitsBehind(failing_event_id));
  }
  return { parked, busy };
};
