import { statement } from '#platform/postgres';
import type { Transaction } from '#platform/postgres';
import { tellAcrossRows } from './across-rows.ts';
import type { Arrival } from './arrival.ts';
import { auditOfGiven, factArrays, isAudited, outboxOf } from './facts-sql.ts';
import { reduceEvents } from './reduce-events.ts';
import type { Families } from './state-table.ts';
import { loadStates, saveStates } from './states.ts';

const RECORD = statement(
  'join_sightings',
  `WITH given AS MATERIALIZED (
     SELECT *, true AS is_audited, 'sighted' AS verdict
       FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
         AS given (family, entity_key, delivery_id, event_type, from_status, to_status, reason)),
   ${auditOfGiven(1)},
   ${outboxOf(9)}
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
  const audited = decisions.filter(isAudited);
  const taskOf = ({ task }: Arrival) => (task.kind === 'apply' ? task : { family: null, key: null });
  await tx.query(RECORD, [
    actor,
    audited.map(({ arrival }) => taskOf(arrival).family),
    audited.map(({ arrival }) => taskOf(arrival).key),
    audited.map(({ arrival }) => arrival.sighting?.eventId ?? arrival.eventId),
    audited.map(({ arrival }) => arrival.eventType),
    audited.map(({ from }) => from),
    audited.map(({ to }) => to),
    audited.map(({ reason }) => reason),
    ...factArrays(decisions),
  ]);
};
