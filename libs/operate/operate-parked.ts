import { advanceQueue, lockQueue, operatorActor, transactionAgainst } from '#apply';
import type { KeyRef, OperatorAction } from '#apply';
import { buryHead, wakeForOperator } from '#parking';
import type { ParkedOptions, RetryOutcome } from '#parking';
import { statement, writeAudit } from '#platform/postgres';

const RESET = statement(
  'queue_reset',
  'UPDATE parked_keys SET attempts = 0, next_attempt_at = clock_timestamp() WHERE family = $1 AND entity_key = $2',
);

/** Applies what waits for a key now, as an operator has decided. Its schedule begins again: the failing event has all its attempts. */
export const retryParked = async (
  options: ParkedOptions,
  ref: KeyRef,
  { who, reason }: OperatorAction,
): Promise<RetryOutcome> => {
  const isParked = await transactionAgainst(options.database, async (tx) => {
    const queue = await lockQueue(tx, ref, 1);
    if (queue === undefined) return false;
    await tx.query(RESET, [ref.family, ref.key]);
    const { failingEventId: eventId } = queue;
    const { family, key } = ref;
    const actor = operatorActor(who);
    await writeAudit(tx, { actor, action: 'parked.retry', family, key, eventId, verdict: 'parked', reason });
    return true;
  });
  return isParked ? wakeForOperator(options, ref, who) : { kind: 'not-parked' };
};

/**
 * Gives up the event at the head of a key's queue, for good and on record, and then applies the rest. The given-up event stays in
 * webhook_events with its body, and among the dead letters as discarded.
 */
export const discardParked = async (
  options: ParkedOptions,
  ref: KeyRef,
  { who, reason }: OperatorAction,
): Promise<RetryOutcome> => {
  const isDiscarded = await transactionAgainst(options.database, async (tx) => {
    const queue = await lockQueue(tx, ref, 1);
    const row = queue?.rows[0];
    if (queue === undefined || row === undefined) return false;
    const { group, attempts, firstFailedAt } = queue;
    await buryHead(tx, ref, {
      group,
      row,
      reason: queue.reason,
      attempts,
      firstFailedAt,
      actor: operatorActor(who),
      discarded: { who, reason },
    });
    await advanceQueue(tx, ref);
    return true;
  });
  if (!isDiscarded) return { kind: 'not-parked' };
  const rest = await wakeForOperator(options, ref, who);
  return rest.kind === 'not-parked' ? { kind: 'unparked', applied: 0, dead: 1 } : { ...rest, dead: rest.dead + 1 };
};
