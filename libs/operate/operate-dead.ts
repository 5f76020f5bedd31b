import { joinQueue, lockLedgerOf, moveCounts, operatorActor, transactionAgainst } from '#apply';
import type { KeyRef, OperatorAction } from '#apply';
import type { Family } from '#catalogue';
import { wakeForOperator } from '#parking';
import type { ParkedOptions, RetryOutcome } from '#parking';
import { LostRace, statement, writeAudit } from '#platform/postgres';
import type { Transaction } from '#platform/postgres';

/**
 * A dead letter as an operator was shown it: when it died tells it from the same event that was retried and died again.
 */
export interface ShownDeath {
  /** To the millisecond. */
  readonly deadAt: Date;
  readonly attempts: number;
}

/** `changed`: it is not as the operator was shown it; nothing was done. */
interface ChangedDeath {
  readonly kind: 'changed';
  readonly now: ShownDeath;
}

/** `not-dead`: there is no dead letter of that event id (any more). */
export type DeadOutcome = (RetryOutcome & KeyRef) | { readonly kind: 'not-dead' } | ChangedDeath;
export type DiscardOutcome = { readonly kind: 'discarded' } | { readonly kind: 'not-dead' } | ChangedDeath;

interface DeadRow extends ShownDeath {
  readonly isOpen: boolean;
  readonly created: string;
  readonly family: Family;
  readonly key: string;
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
}

const FIND = statement(
  'dead_find',
  `SELECT d.created_at::text AS created, d.family, d.entity_key AS key, d.consumer_group AS "group",
    d.kafka_topic AS topic, d.kafka_partition AS partition,
          d.dead_at AS "deadAt", d.attempts, d.resolution IS NULL AS "isOpen"
     FROM dead_letters d JOIN webhook_events e ON e.razorpay_event_id = d.razorpay_event_id
       AND e.created_at = d.created_at
    WHERE d.razorpay_event_id = $1 AND e.verdict = 'dead' ORDER BY d.resolution IS NOT NULL, d.created_at LIMIT 1`,
);
const REVIVE = statement(
  'dead_revive',
  `UPDATE webhook_events SET verdict = 'parked', reason = $3 WHERE razorpay_event_id = $1
    AND created_at = $2::timestamptz AND verdict = 'dead' RETURNING 1`,
);
const RESOLVE = statement(
  'dead_resolve',
  `UPDATE dead_letters SET resolution = $3, resolved_at = clock_timestamp(), resolved_by = $4, resolved_reason = $5
    WHERE razorpay_event_id = $1 AND created_at = $2::timestamptz AND (($3 = 'retried' AND $6::timestamptz IS NULL)
      OR resolution IS NULL)
      AND ($6::timestamptz IS NULL OR (date_trunc('milliseconds', dead_at) = $6 AND attempts = $7)) RETURNING 1`,
);

/**
 * Puts a dead letter back into its key's queue, at the place of its offset, with all its attempts, and tries it at
 * once. When it fails again it goes through the schedule like any other. `shown`: what the operator decided about; then
 * a letter that somebody else has closed meanwhile is no dead letter any more. Without it a closed one is taken back.
 */
export const retryDead = async (
  options: ParkedOptions,
  eventId: string,
  action: OperatorAction,
  shown?: ShownDeath,
): Promise<DeadOutcome> => {
  const revived = await transactionAgainst(options.database, async (tx) => {
    const found = await find(tx, eventId, shown);
    return 'kind' in found ? found : revive(tx, eventId, found, action, shown);
  });
  return 'kind' in revived ? revived : { ...revived, ...(await wakeForOperator(options, revived, action.who)) };
};

const find = async (
  tx: Transaction,
  eventId: string,
  shown: ShownDeath | undefined,
): Promise<DeadRow | ChangedDeath | { readonly kind: 'not-dead' }> => {
  const [dead] = await tx.query<DeadRow>(FIND, [eventId]);
  if (dead === undefined || (shown !== undefined && !dead.isOpen)) return { kind: 'not-dead' };
  const { deadAt, attempts } = dead;
  const isAsShown = shown === undefined || (shown.deadAt.getTime() === deadAt.getTime() && shown.attempts === attempts);
  return isAsShown ? dead : { kind: 'changed', now: { deadAt, attempts } };
};

const shownValues = (shown: ShownDeath | undefined): readonly unknown[] => [
  shown?.deadAt ?? null,
  shown?.attempts ?? null,
];

/** Locks in the consumer's order: ledger, then key. Counts are moved only for what is still dead under the lock. */
const revive = async (
  tx: Transaction,
  eventId: string,
  { created, family, key, group, topic, partition }: DeadRow,
  { who, reason }: OperatorAction,
  shown: ShownDeath | undefined,
): Promise<KeyRef> => {
  await lockLedgerOf(tx, { topic, partition });
  if ((await tx.query(REVIVE, [eventId, created, `put back by ${who}: ${reason}`])).length !== 1)
    throw new LostRace(`the dead letter ${eventId} was put back meanwhile`);
  await moveCounts(tx, { topic, partition }, 'dead', ['parked']);
  await joinQueue(tx, { family, key }, group, eventId);
  const resolved = await tx.query(RESOLVE, [eventId, created, 'retried', who, reason, ...shownValues(shown)]);
  if (resolved.length !== 1) throw new LostRace(`the dead letter ${eventId} was dealt with meanwhile`);
  const actor = operatorActor(who);
  await writeAudit(tx, { actor, action: 'dead.retry', family, key, eventId, verdict: 'parked', reason });
  return { family, key };
};

/**
 * Closes a dead letter for good: nobody needs to look at it any more. The event stays in webhook_events with its body.
 */
export const discardDead = async (
  { database }: Pick<ParkedOptions, 'database'>,
  eventId: string,
  { who, reason }: OperatorAction,
  shown?: ShownDeath,
): Promise<DiscardOutcome> =>
  transactionAgainst(database, async (tx) => {
    const dead = await find(tx, eventId, shown);
    if ('kind' in dead) return dead;
    if (!dead.isOpen) return { kind: 'not-dead' };
    const resolved = await tx.query(RESOLVE, [eventId, dead.created, 'discarded', who, reason, ...shownValues(shown)]);
    if (resolved.length !== 1) throw new LostRace(`the dead letter ${eventId} was dealt with meanwhile`);
    const { family, key } = dead;
    const actor = operatorActor(who);
    await writeAudit(tx, { actor, action: 'dead.discard', family, key, eventId, verdict: 'dead', reason });
    return { kind: 'discarded' };
  });
