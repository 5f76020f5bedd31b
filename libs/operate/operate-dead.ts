import { joinQueue, moveCounts, operatorActor, transactionAgainst } from '#apply';
import type { KeyRef, OperatorAction } from '#apply';
import type { Family } from '#catalogue';
import { wakeForOperator } from '#parking';
import type { ParkedOptions, RetryOutcome } from '#parking';
import { LostRace, statement, writeAudit } from '#platform/postgres';
import type { Transaction } from '#platform/postgres';

/** `not-dead`: there is no dead letter of that event id (any more). */
export type DeadOutcome = (RetryOutcome & KeyRef) | { readonly kind: 'not-dead' };
export type DiscardOutcome = { readonly kind: 'discarded' } | { readonly kind: 'not-dead' };

interface DeadRow {
  readonly created: string;
  readonly family: Family;
  readonly key: string;
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
}

const FIND = statement(
  'dead_find',
  `SELECT d.created_at::text AS created, d.family, d.entity_key AS key, d.consumer_group AS "group", d.kafka_topic AS topic, d.kafka_partition AS partition
     FROM dead_letters d JOIN webhook_events e ON e.razorpay_event_id = d.razorpay_event_id AND e.created_at = d.created_at
    WHERE d.razorpay_event_id = $1 AND e.verdict = 'dead' ORDER BY d.resolution IS NOT NULL, d.created_at LIMIT 1`,
);
const REVIVE = statement(
  'dead_revive',
  `UPDATE webhook_events SET verdict = 'parked', reason = $3 WHERE razorpay_event_id = $1 AND created_at = $2::timestamptz AND verdict = 'dead' RETURNING 1`,
);
const RESOLVE = statement(
  'dead_resolve',
  `UPDATE dead_letters SET resolution = $3, resolved_at = clock_timestamp(), resolved_by = $4, resolved_reason = $5
    WHERE razorpay_event_id = $1 AND created_at = $2::timestamptz AND ($3 = 'retried' OR resolution IS NULL) RETURNING 1`,
);

/**
 * Puts a dead letter back into its key's queue, at the place of its offset, with all its attempts, and tries it at once. When it fails
 * again it goes through the schedule like any other.
 */
export const retryDead = async (
  options: ParkedOptions,
  eventId: string,
  { who, reason }: OperatorAction,
): Promise<DeadOutcome> => {
  const revived = await transactionAgainst(options.database, async (tx) => {
    const [dead] = await tx.query<DeadRow>(FIND, [eventId]);
    return dead === undefined ? undefined : revive(tx, eventId, dead, { who, reason });
  });
  return revived === undefined
    ? { kind: 'not-dead' }
    : { ...revived, ...(await wakeForOperator(options, revived, who)) };
};

/** Locks in the consumer's order: ledger (by moving its counts), then key. */
const revive = async (
  tx: Transaction,
  eventId: string,
  { created, family, key, group, topic, partition }: DeadRow,
  { who, reason }: OperatorAction,
): Promise<KeyRef> => {
  await moveCounts(tx, { topic, partition }, 'dead', ['parked']);
  if ((await tx.query(REVIVE, [eventId, created, `put back by ${who}: ${reason}`])).length !== 1)
    throw new LostRace(`the dead letter ${eventId} was put back meanwhile`);
  await joinQueue(tx, { family, key }, group, eventId);
  await tx.query(RESOLVE, [eventId, created, 'retried', who, reason]);
  const actor = operatorActor(who);
  await writeAudit(tx, { actor, action: 'dead.retry', family, key, eventId, verdict: 'parked', reason });
  return { family, key };
};

/** Closes a dead letter for good: nobody needs to look at it any more. The event stays in webhook_events with its body. */
export const discardDead = async (
  { database }: Pick<ParkedOptions, 'database'>,
  eventId: string,
  { who, reason }: OperatorAction,
): Promise<DiscardOutcome> =>
  transactionAgainst(database, async (tx) => {
    const [dead] = await tx.query<DeadRow>(FIND, [eventId]);
    if (dead === undefined || (await tx.query(RESOLVE, [eventId, dead.created, 'discarded', who, reason])).length !== 1)
      return { kind: 'not-dead' };
    const { family, key } = dead;
    const actor = operatorActor(who);
    await writeAudit(tx, { actor, action: 'dead.discard', family, key, eventId, verdict: 'dead', reason });
    return { kind: 'discarded' };
  });
