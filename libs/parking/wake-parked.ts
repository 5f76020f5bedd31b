import {
  advanceQueue,
  arrivalOfRow,
  endEvents,
  familiesOf,
  loadStates,
  lockQueue,
  operatorActor,
  reasonOf,
  reduceEvents,
  resolveWaiting,
  retryDelayMs,
  saveStates,
  tellAcrossRows,
  transactionAgainst,
  withSpans,
} from '#apply';
import type { Decision, Families, KeyRef, LockedQueue, RetryPolicy, SearchKey, WaitingRow } from '#apply';
import type { Aggregate } from '#families';
import { classifyError, statement } from '#platform/postgres';
import type { Database, Transaction } from '#platform/postgres';
import type { Span, Tracer } from '#platform/trace';
import { deadLetterHead } from './dead-letters.ts';

export interface ParkedOptions {
  readonly database: Database;
  /** Of all families whose keys may be asked for. */
  readonly aggregates: readonly Aggregate[];
  readonly policy: RetryPolicy;
  /** As of ApplyOptions. */
  readonly searchKey?: SearchKey | undefined;
  /** In [0, 1), for the jitter; Math.random without. */
  readonly random?: () => number;
  /** Undefined where traces are off. */
  readonly tracer?: Tracer | undefined;
}

/**
 * What became of a key's queue. `applied` counts events that left it, `dead` those that were given up.
 * `parked`: an event failed (again), why, and how long until its next attempt, in ms.
 */
export type RetryOutcome =
  | { readonly kind: 'unparked'; readonly applied: number; readonly dead: number }
  | {
      readonly kind: 'parked';
      readonly applied: number;
      readonly dead: number;
      readonly reason: string;
      readonly afterMs: number;
    }
  | { readonly kind: 'not-parked' };

/** `early`: woken before its time, nothing was tried; jobs may come twice. */
export type WakeOutcome = RetryOutcome | { readonly kind: 'early'; readonly afterMs: number };

/** Events of one key that are applied in one transaction; the queue goes on in the next. */
const EVENTS_PER_TRANSACTION = 200;
/** How much before its time a key may be woken: the queue's clock and Postgres' are not the same. */
const EARLY_TOLERANCE_MS = 500;

/**
 * Applies what waits for a key, oldest first, through the same rules and in the same kind of
 * transaction as the consumer. What fails again stays at the head of the queue with all that is
 * behind it until the policy's next time; when no attempt is left it becomes a dead letter, and
 * what is behind it flows in the same wake. Throws for infrastructure, which uses up no attempt.
 */
export const wakeParked = async (
  options: ParkedOptions & {
    readonly actor: string;
    readonly span?: Span | undefined;
    /** Told of each event that has failed (again), once that is committed; in the order of the queue. */
    readonly onFailed?: (eventId: string) => void;
  },
  ref: KeyRef,
): Promise<WakeOutcome> => {
  const outcome = await drainKey(options, ref, options.actor, options);
  return outcome.kind === 'early' ? { kind: 'early', afterMs: outcome.afterMs } : outcome;
};

/**
 * The same for an operator who has just changed a key's queue and made its new head due. When the head is not due,
 * another has tried it in between, or it is an event that the operator did not mean: its schedule stands.
 */
export const wakeForOperator = async (options: ParkedOptions, ref: KeyRef, who: string): Promise<RetryOutcome> => {
  const outcome = await drainKey(options, ref, operatorActor(who));
  return outcome.kind === 'early' ? { ...outcome, kind: 'parked', applied: 0, dead: 0 } : outcome;
};

/** What one transaction did. `more`: go on. */
interface Pass {
  readonly kind: 'more' | 'unparked' | 'parked' | 'early' | 'not-parked';
  readonly applied: number;
  readonly dead: number;
  readonly reason: string;
  readonly afterMs: number;
  /** What was decided about the events that it tried. */
  readonly decided: readonly Decision[];
  /** The event that has failed. */
  readonly failedId?: string;
}
const nothing = { applied: 0, dead: 0, reason: '', afterMs: 0, decided: [] } as const;

/** The attempt at a queue's head that Postgres may refuse. */
interface Attempt {
  readonly eventId: string;
  readonly attempts: number;
  /** How many events were tried together. */
  readonly events: number;
}

type Drained = RetryOutcome | { readonly kind: 'early'; readonly reason: string; readonly afterMs: number };

const drainKey = async (
  { database, aggregates, policy, searchKey, random = Math.random, tracer }: ParkedOptions,
  ref: KeyRef,
  actor: string,
  { span, onFailed }: { readonly span?: Span | undefined; readonly onFailed?: (eventId: string) => void } = {},
): Promise<Drained> => {
  const context: Context = { families: familiesOf(aggregates, searchKey), policy, random, actor, tracer };
  let [applied, dead] = [0, 0];
  let limit = EVENTS_PER_TRANSACTION;
  // Ends: every pass shortens the queue, halves the limit, finds that another was quicker, or returns.
  for (;;) {
    let tried: Attempt | undefined;
    let pass: Pass;
    try {
      pass = await transactionAgainst(database, async (tx) => {
        const queue = await lockQueue(tx, ref, limit);
        if (queue !== undefined)
          tried = {
            eventId: queue.rows[0]?.razorpay_event_id ?? '',
            attempts: queue.attempts,
            events: queue.rows.length,
          };
        return applyQueue(tx, ref, queue, context);
      });
    } catch (error) {
      if (classifyError(error) === 'infrastructure') throw error;
      const refused = tried;
      if (refused !== undefined && refused.events > 1) {
        limit = Math.ceil(refused.events / 2);
        continue;
      }
      pass = await transactionAgainst(database, async (tx) => failAlone(tx, ref, refused, reasonOf(error), context));
    }
    endEvents(pass.decided, span);
    if (pass.failedId !== undefined) onFailed?.(pass.failedId);
    applied += pass.applied;
    dead += pass.dead;
    limit = EVENTS_PER_TRANSACTION;
    switch (pass.kind) {
      case 'more':
        continue;
      case 'unparked':
        return { kind: 'unparked', applied, dead };
      case 'parked':
        return { kind: 'parked', applied, dead, reason: pass.reason, afterMs: pass.afterMs };
      case 'early':
        return applied + dead === 0
          ? { kind: 'early', reason: pass.reason, afterMs: pass.afterMs }
          : { kind: 'parked', applied, dead, reason: pass.reason, afterMs: pass.afterMs };
      case 'not-parked':
        return applied + dead === 0 ? { kind: 'not-parked' } : { kind: 'unparked', applied, dead };
    }
  }
};

interface Context {
  readonly families: Families;
  readonly policy: RetryPolicy;
  readonly random: () => number;
  /** For audit_logs. */
  readonly actor: string;
  readonly tracer: Tracer | undefined;
}

const applyQueue = async (
  tx: Transaction,
  ref: KeyRef,
  queue: LockedQueue | undefined,
  context: Context,
): Promise<Pass> => {
  if (queue === undefined) return { ...nothing, kind: 'not-parked' };
  const { families, actor, tracer } = context;
  if (queue.afterMs > EARLY_TOLERANCE_MS)
    return { ...nothing, kind: 'early', reason: queue.reason, afterMs: Math.ceil(queue.afterMs) };
  const arrivals = withSpans(
    tracer,
    queue.rows.map((row) => arrivalOfRow(row, ref, families)),
  );
  const states = await loadStates(tx, families, arrivals);
  const { decisions, changed, parked } = reduceEvents(arrivals, {
    aggregates: families.aggregates,
    states,
    parked: new Map(),
    failing: new Map(),
  });
  const failed = decisions.findIndex(({ disposition }) => disposition === 'parked');
  const done = failed < 0 ? decisions : decisions.slice(0, failed);

  await saveStates(tx, families, states, changed);
  await resolveWaiting(tx, ref, queue.rows.slice(0, done.length), done, actor);
  await tellAcrossRows(tx, states, changed, done);
  const [row, failure] = [queue.rows[failed], parked[0]];
  const tried = { applied: done.length, decided: decisions.slice(0, done.length + 1) };
  if (row !== undefined && failure !== undefined)
    return { ...(await failHead(tx, ref, queue, row, failure.reason, context)), ...tried };
  return { ...nothing, kind: (await advanceQueue(tx, ref)) === 'free' ? 'unparked' : 'more', ...tried };
};

/** The head of the queue was tried alone and Postgres refused it. */
const failAlone = async (
  tx: Transaction,
  ref: KeyRef,
  tried: Attempt | undefined,
  why: string,
  context: Context,
): Promise<Pass> => {
  const queue = await lockQueue(tx, ref, 1);
  const head = queue?.rows[0];
  if (queue === undefined || head === undefined) return { ...nothing, kind: 'not-parked' };
  // Between the refusal and now another may have tried, or got on:
  // what was refused is noted once, and never against another event.
  if (tried === undefined || head.razorpay_event_id !== tried.eventId || queue.attempts !== tried.attempts)
    return { ...nothing, kind: 'more' };
  return failHead(tx, ref, queue, head, why, context);
};

const NOTE_FAILURE = statement(
  'queue_note_failure',
  `UPDATE parked_keys
      SET attempts = $3, reason = $4, failing_event_id = $5, last_attempt_at = clock_timestamp(),
        first_failed_at = coalesce($6::timestamptz, clock_timestamp()),
          next_attempt_at = clock_timestamp() + $7::float8 * interval '1 millisecond'
    WHERE family = $1 AND entity_key = $2`,
);

/** `row` is at the head of the queue now, and has failed. */
const failHead = async (
  tx: Transaction,
  ref: KeyRef,
  queue: LockedQueue,
  row: WaitingRow,
  reason: string,
  { policy, random, actor }: Context,
): Promise<Pass> => {
  const isFirst = row.razorpay_event_id !== queue.failingEventId;
  const attempts = isFirst ? 1 : queue.attempts + 1;
  const firstFailedAt = isFirst ? null : queue.firstFailedAt;
  const afterMs = retryDelayMs(policy, attempts, random());
  if (afterMs === null) {
    await deadLetterHead(tx, ref, { group: queue.group, row, reason, attempts, firstFailedAt, actor });
    const kind = (await advanceQueue(tx, ref)) === 'free' ? 'unparked' : 'more';
    return { ...nothing, kind, dead: 1, failedId: row.razorpay_event_id };
  }
  await tx.query(NOTE_FAILURE, [ref.family, ref.key, attempts, reason, row.razorpay_event_id, firstFailedAt, afterMs]);
  return { ...nothing, kind: 'parked', reason, afterMs, failedId: row.razorpay_event_id };
};
