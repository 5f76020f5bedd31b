import type { Family } from '#catalogue';
import type { Aggregate } from '#families';
import type { BatchHandler, BatchOutcome, PartitionBatch } from '#platform/kafka';
import type { Logger } from '#platform/log';
import { classifyError } from '#platform/postgres';
import type { Database } from '#platform/postgres';
import type { Instant } from '#rules';
import { applyRange } from './apply-range.ts';
import type { Range } from './apply-range.ts';
import { arrivalOf } from './arrival.ts';
import type { LedgerKey } from './ledger.ts';
import type { StoreMetrics } from './metrics.ts';
import type { KeyRef } from './parked-queue.ts';
import { reasonOf } from './reduce-events.ts';
import type { Decision } from './reduce-events.ts';
import { retryDelayMs } from './retry-policy.ts';
import type { RetryPolicy } from './retry-policy.ts';
import { familiesOf } from './state-table.ts';
import type { Families } from './state-table.ts';

export interface ApplyOptions {
  /** Consumer group, under which the ledger is kept. */
  readonly group: string;
  /** Families that this service applies; none for the quarantine. */
  readonly aggregates: readonly Aggregate[];
  readonly database: Database;
  readonly clock: () => Instant;
  readonly log: Logger;
  readonly metrics: StoreMetrics;
  /** Of the keys that are parked here. */
  readonly policy: RetryPolicy;
  /** In [0, 1), for the jitter; Math.random without. */
  readonly random?: () => number;
  /** Told after each commit that changed something for others. Postgres holds it all: what is told here may get lost. */
  readonly onCommitted?: (committed: Committed) => void;
}

/** What a committed batch has left to others: keys that it parked, with the time until they are tried again in ms, and how many facts the outbox has got at most. */
export interface Committed {
  readonly parked: readonly (KeyRef & { readonly afterMs: number })[];
  readonly facts: number;
}

/**
 * Applies a batch in one transaction. When Postgres refuses it because of what is in it, the batch is halved, each half a
 * transaction of its own that moves the ledger; the one event that is left alone parks its key. Throws for infrastructure only.
 */
export const applyBatches = ({
  group,
  aggregates,
  database,
  clock,
  log,
  metrics,
  policy,
  random = Math.random,
  onCommitted,
}: ApplyOptions): BatchHandler => {
  const families = familiesOf(aggregates);
  // A policy without waits tries again at once.
  const firstWaitMs = (): number => retryDelayMs(policy, 1, random()) ?? 0;

  const attempt = async (range: Range, failing: ReadonlyMap<bigint, string>): Promise<BatchOutcome> => {
    const applied = await database.transaction(async (tx) => applyRange(tx, families, range, { failing, firstWaitMs }));
    if (applied === 'moved') return 'moved';
    const { decisions, parked } = applied;
    report(range, decisions, { log, metrics });
    const facts = decisions.reduce((sum, decision) => sum + decision.facts.length, 0);
    if (parked.length > 0 || facts > 0)
      onCommitted?.({ parked: parked.map(({ family, key, afterMs }) => ({ family, key, afterMs })), facts });
    return 'applied';
  };

  const applySplitting = async (range: Range, signal: AbortSignal): Promise<BatchOutcome> => {
    if (signal.aborted) return 'moved';
    try {
      return await attempt(range, new Map());
    } catch (error) {
      if (classifyError(error) === 'infrastructure') throw error;
      const [lower, upper] = halves(range);
      if (upper === undefined) return attempt(range, new Map([[range.firstOffset, reasonOf(error)]]));
      log.warn(
        { err: error, ...range.ledger, firstOffset: String(range.firstOffset), events: range.arrivals.length },
        'a batch could not be applied; looking for the event',
      );
      const outcome = await applySplitting(lower, signal);
      return outcome === 'moved' ? 'moved' : applySplitting(upper, signal);
    }
  };

  return async (batch, signal) => applySplitting(rangeOf(group, batch, families, clock()), signal);
};

const rangeOf = (group: string, batch: PartitionBatch, families: Families, now: Instant): Range => {
  const { topic, partition, firstOffset, nextOffset, records } = batch;
  // Every offset is counted, so a hole in between would make the ledger lie: nothing of ours makes one.
  if (BigInt(records.length) !== nextOffset - firstOffset) {
    throw new Error(
      `${topic}/${partition}: ${records.length} records for the offsets ${firstOffset} to ${nextOffset - 1n}; the topic must be neither compacted nor written in transactions`,
    );
  }
  return {
    ledger: { group, topic, partition },
    firstOffset,
    nextOffset,
    arrivals: records.map((record) => arrivalOf(record, batch, families.aggregates, now)),
  };
};

/** The second half is undefined when there is only one event. */
const halves = (range: Range): readonly [Range, Range | undefined] => {
  const { arrivals } = range;
  const half = Math.ceil(arrivals.length / 2);
  const cut = arrivals[half];
  if (cut === undefined) return [range, undefined];
  return [
    { ...range, nextOffset: cut.offset, arrivals: arrivals.slice(0, half) },
    { ...range, firstOffset: cut.offset, arrivals: arrivals.slice(half) },
  ];
};

const labelOf = ({ arrival: { task } }: Decision): Family | 'quarantine' =>
  task.kind === 'apply' ? task.family : 'quarantine';

/** One wide line per transaction, a warning per event that needs a person, and the counters. */
const report = (
  { ledger, firstOffset }: Range,
  decided: readonly Decision[],
  { log, metrics }: Pick<ApplyOptions, 'log' | 'metrics'>,
): void => {
  const counts: Partial<Record<string, number>> = {};
  const key = ({ topic, partition }: LedgerKey): string => `${topic}/${partition}`;
  for (const decision of decided) {
    const { disposition, arrival, reason, isConflict = false } = decision;
    counts[disposition] = (counts[disposition] ?? 0) + 1;
    metrics.count(labelOf(decision), disposition, 1);
    for (const kind of decision.notes ?? []) metrics.countNote(labelOf(decision), kind);
    if (isConflict) metrics.countConflict(labelOf(decision));
    if (isConflict || disposition === 'parked')
      log.warn(
        {
          eventId: arrival.eventId,
          event: arrival.eventType,
          offset: String(arrival.offset),
          partition: key(ledger),
          reason,
        },
        `an event is ${disposition}`,
      );
  }
  log.debug(
    { partition: key(ledger), firstOffset: String(firstOffset), events: decided.length, ...counts },
    'batch applied',
  );
};
