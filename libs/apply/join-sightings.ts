import { arraysOf, statement, unnested } from '#platform/postgres';
import type { Column, Transaction } from '#platform/postgres';
import { tellAcrossRows } from './across-rows.ts';
import { deliveryIdOf } from './arrival.ts';
import type { Arrival } from './arrival.ts';
import { auditOfGiven, factArrays, isAudited, outboxOf } from './facts-sql.ts';
import { reduceEvents } from './reduce-events.ts';
import type { Decision } from './reduce-events.ts';
import type { Families } from './state-table.ts';
import { loadStates, saveStates } from './states.ts';

const entityOf = ({ arrival: { task } }: Decision) => (task.kind === 'apply' ? task : { family: null, key: null });

const JOINED_COLUMNS: readonly Column<Decision>[] = [
  { name: 'family', type: 'text', of: (decision) => entityOf(decision).family },
  { name: 'entity_key', type: 'text', of: (decision) => entityOf(decision).key },
  { name: 'delivery_id', type: 'text', of: ({ arrival }) => deliveryIdOf(arrival) },
  { name: 'event_type', type: 'text', of: ({ arrival }) => arrival.eventType },
  { name: 'from_status', type: 'text', of: ({ from }) => from },
  { name: 'to_status', type: 'text', of: ({ to }) => to },
  { name: 'reason', type: 'text', of: ({ reason }) => reason },
];

const [ACTOR, JOINED] = [1, 2] as const;

const RECORD = statement(
  'join_sightings',
  `WITH given AS MATERIALIZED (
     SELECT *, true AS is_audited, 'sighted' AS verdict FROM ${unnested(JOINED_COLUMNS, JOINED, 'given')}),
   ${auditOfGiven(ACTOR)},
   ${outboxOf(JOINED + JOINED_COLUMNS.length)}
   SELECT`,
);

/**
 * Joins sightings that no topic brings: those of a body that is replayed out of Postgres. Rows, audit and facts are as
 * if Kafka had brought them; no offset is theirs, so no ledger counts them. Locks rows only, which come last in the
 * order. Throws where a rule cannot take one, so that the replay as a whole is refused and nothing of it is lost.
 */
export const joinSightings = async (
  tx: Transaction,
  families: Families,
  sightings: readonly Arrival[],
  actor: string,
): Promise<void> => {
  if (sightings.length === 0) return;
  const states = await loadStates(tx, families, sightings);
  const { decisions, changed, parked } = reduceEvents(sightings, {
    aggregates: families.aggregates,
    states,
    parked: new Map(),
    failing: new Map(),
  });
  const [failed] = parked;
  if (failed !== undefined) throw new Error(`what the body shows of ${failed.key} cannot be joined: ${failed.reason}`);
  await saveStates(tx, families, states, changed);
  await tellAcrossRows(tx, states, changed, decisions);
  const audited = arraysOf(JOINED_COLUMNS, decisions.filter(isAudited));
  await tx.query(RECORD, [actor, ...audited, ...factArrays(decisions)]);
};
