import { advanceQueue, lockQueue, operatorActor, transactionAgainst } from '#apply';
import type { KeyRef, LockedQueue, OperatorAction } from '#apply';
import { deadLetterHead, wakeForOperator } from '#parking';
import type { ParkedOptions, RetryOutcome } from '#parking';
import { statement, writeAudit } from '#platform/postgres';

const RESET = statement(
  'queue_reset',
  'UPDATE parked_keys SET attempts = 0, next_attempt_at = clock_timestamp() WHERE family = $1 AND entity_key = $2',
);

/** The head of a key's queue as an operator was shown it: the event that fails, and how often it was tried. */
export interface ShownHead {
  readonly failingEventId: string;
  readonly attempts: number;
}

/** `changed`: the head is not what the operator was shown; nothing was done. */
export type OperateParkedOutcome = RetryOutcome | { readonly kind: 'changed'; readonly now: ShownHead };

/** Under the queue's lock, so that nobody can change it between this look and what is done. */
const differs = ({ failingEventId, attempts }: LockedQueue, shown: ShownHead | undefined): boolean =>
  shown !== undefined && (shown.failingEventId !== failingEventId || shown.attempts !== attempts);
const changed = ({ failingEventId, attempts }: LockedQueue) =>
  ({ kind: 'changed', now: { failingEventId, attempts } }) as const;

/** Another operator has just begun to try this very event again: what comes of that is what was asked for. */
const isBeingRetried = ({ failingEventId, attempts }: LockedQueue, shown: ShownHead | undefined): boolean =>
  shown !== undefined && shown.failingEventId === failingEventId && attempts === 0 && shown.attempts > 0;

/**
 * Applies what waits for a key now, as an operator has decided. Its schedule begins again: the failing event has all
 * its attempts. `shown`: what the operator decided about; when the queue has another head, nothing is done.
 */
export const retryParked = async (
  options: ParkedOptions,
  ref: KeyRef,
  { who, reason }: OperatorAction,
  shown?: ShownHead,
): Promise<OperateParkedOutcome> => {
  const found = await transactionAgainst(options.database, async (tx) => {
    const queue = await lockQueue(tx, ref, 1);
    if (queue === undefined) return { kind: 'not-parked' } as const;
    if (isBeingRetried(queue, shown)) return undefined;
    if (differs(queue, shown)) return changed(queue);
    await tx.query(RESET, [ref.family, ref.key]);
    const { failingEventId: eventId } = queue;
    const { family, key } = ref;
    const actor = operatorActor(who);
    await writeAudit(tx, { actor, action: 'parked.retry', family, key, eventId, verdict: 'parked', reason });
    return undefined;
  });
  return found ?? wakeForOperator(options, ref, who);
};

/**
 * Gives up the event at the head of a key's queue, for good and on record, and then applies the rest. The given-up
 * event stays in webhook_events with its body, and among the dead letters as discarded. `shown` as in `retryParked`.
 */
export const discardParked = async (
  options: ParkedOptions,
  ref: KeyRef,
  { who, reason }: OperatorAction,
  shown?: ShownHead,
): Promise<OperateParkedOutcome> => {
  const found = await transactionAgainst(options.database, async (tx) => {
    const queue = await lockQueue(tx, ref, 1);
    const row = queue?.rows[0];
    if (queue === undefined || row === undefined) return { kind: 'not-parked' } as const;
    if (differs(queue, shown)) return changed(queue);
    const { group, attempts, firstFailedAt } = queue;
    await deadLetterHead(tx, ref, {
      group,
      row,
      reason: queue.reason,
      attempts,
      firstFailedAt,
      actor: operatorActor(who),
      discarded: { who, reason },
    });
    await advanceQueue(tx, ref);
    return undefined;
  });
  if (found !== undefined) return found;
  const rest = await wakeForOperator(options, ref, who);
  return rest.kind === 'not-parked' ? { kind: 'unparked', applied: 0, dead: 1 } : { ...rest, dead: rest.dead + 1 };
};
