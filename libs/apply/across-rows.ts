import { acrossRows } from '#catalogue';
import type { Family } from '#catalogue';
import { statement } from '#platform/postgres';
import type { Transaction } from '#platform/postgres';
import type { EntityState } from '#rules';
import { deliveryIdOf } from './arrival.ts';
import { keyName } from './reduce-events.ts';
import type { Decision, StatesByFamily } from './reduce-events.ts';
import { contextOf } from './trace.ts';

/** Locks that a transaction takes here at most: groups share them by their hash. */
const LOCKS = 256;
/** Tells these locks from others of two numbers: those of groups, and those of what groups share. */
const [LOCK_SPACE, SHARED_LOCK_SPACE] = [0x6163726f, 0x61637273];

/**
 * Sorted, so that transactions never wait for each other in a circle; and who waits for a lock of what is shared holds
 * its groups' already, whoever waits for a group's holds none of the shared.
 */
const lockOf = (space: number, names: string): string =>
  `SELECT pg_advisory_xact_lock(${space}, bucket)
     FROM (SELECT DISTINCT hashtext(name) & ${LOCKS - 1} AS bucket FROM ${names} AS given (name)
       ORDER BY 1) AS sorted`;
const LOCK = statement('across_lock', lockOf(LOCK_SPACE, 'unnest($1::text[])'));
/** Of its own, because it must see what those have committed who held the groups before. */
const LOCK_SHARED = statement(
  'across_lock_shared',
  lockOf(SHARED_LOCK_SPACE, `${acrossRows.sharedFunction}($1::text[])`),
);
const TELL = statement(
  'across_tell',
  `INSERT INTO outbox (name, dedupe_key, family, entity_key, payload, traceparent)
   SELECT f.name, f.family || ':' || f.entity_key || ':' || f.name || ':' || f.occurrence, f.family, f.entity_key,
          jsonb_build_object('eventId', g.event_id, 'entityId', f.entity_key, 'endpoint', g.endpoint), g.traceparent
     FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS g (name, event_id, endpoint, traceparent)
    CROSS JOIN LATERAL ${acrossRows.factsFunction}(ARRAY[g.name]) f
   ON CONFLICT (dedupe_key) DO NOTHING`,
);

/** A group whose rows this transaction has changed, and the event that did. */
type Groups = ReadonlyMap<string, Decision>;

/**
 * Tells what rows show together that none shows alone, each once for ever. Sent after the rows
 * were written: the lock of the group is held until the commit, so of two transactions that
 * write rows of one group the later sees both. Nothing but the outbox is locked after it. One
 * statement for all groups of a transaction, and none where no row has changed that matters.
 */
export const tellAcrossRows = async (
  tx: Transaction,
  before: StatesByFamily,
  changed: StatesByFamily,
  decisions: readonly Decision[],
): Promise<void> => {
  const groups = groupsOf(before, changed, decisions);
  if (groups.size === 0) return;
  const names = [...groups.keys()];
  const causes = [...groups.values()].map(({ arrival }) => arrival);
  await Promise.all([
    tx.query(LOCK, [names]),
    tx.query(LOCK_SHARED, [names]),
    tx.query(TELL, [
      names,
      causes.map(deliveryIdOf),
      causes.map(({ endpoint }) => endpoint),
      causes.map((arrival) => contextOf(arrival)),
    ]),
  ]);
};

const groupsOf = (before: StatesByFamily, changed: StatesByFamily, decisions: readonly Decision[]): Groups => {
  const causes = new Map<string, Decision>();
  for (const decision of decisions) {
    const { task } = decision.arrival;
    if (task.kind === 'apply') causes.set(keyName(task.family, task.key), decision);
  }
  const groups = new Map<string, Decision>();
  for (const [family, column] of Object.entries(acrossRows.groupedBy) as [Family, string | undefined][])
    for (const [key, state] of changed.get(family) ?? []) {
      const group = column === undefined ? key : state.values[column];
      const cause = causes.get(keyName(family, key));
      if (typeof group !== 'string' || cause === undefined) continue;
      if (isOther(before.get(family)?.get(key), state)) groups.set(group, cause);
    }
  return groups;
};

/** What such facts are about: where it stands, and its amounts. */
const isOther = (was: EntityState | undefined, is: EntityState): boolean =>
  was === undefined ||
  was.status !== is.status ||
  Object.keys(is.values).some((name) => WEIGHED.test(name) && was.values[name] !== is.values[name]);
const WEIGHED = /^(order_id|currency|captured|receipt|account_id|amount(_paid)?_minor)$/;
