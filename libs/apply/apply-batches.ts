import type { Family } from '#catalogue';
import type { Aggregate } from '#families';
import type { BatchHandler, BatchOutcome, PartitionBatch } from '#kafka';
import { codeOf } from '#platform/log';
import type { Logger } from '#platform/log';
import { classifyError, isStatementTimeout, mayPassInParts } from '#platform/postgres';
import type { Database } from '#platform/postgres';
import { sampledTraceOf } from '#platform/trace';
import type { Tracer } from '#platform/trace';
import type { Instant } from '#rules';
import { applyRanges } from './apply-ranges.ts';
import type { AppliedRanges, Range, WaitingKey } from './apply-ranges.ts';
import { arrivalOf, minimalArrival } from './arrival.ts';
import { BESIDE_EVENTS_MIN, createGroupCommit, GROUP_BYTES_MAX, GROUP_EVENTS_MAX } from './group-commit.ts';
import type { GroupBounds } from './group-commit.ts';
import type { Locking } from './ledger.ts';
import { logDecisions, logTransaction } from './log-decisions.ts';
import type { StoreMetrics } from './metrics.ts';
import { reasonOf, recordName } from './reduce-events.ts';
import type { Decision } from './reduce-events.ts';
import { retryDelayMs } from './retry-policy.ts';
import type { RetryPolicy } from './retry-policy.ts';
import type { SearchKey } from './search-digests.ts';
import { familiesOf } from './state-table.ts';
import type { Families } from './state-table.ts';
import { beginTransaction, endEvents, withSpans } from './trace.ts';

export interface ApplyOptions {
  /** Consumer group, under which the ledger is kept. */
  readonly group: string;
  /** Families that this service applies; none for the quarantine. */
  readonly aggregates: readonly Aggregate[];
  readonly database: Database;
  /**
   * Connections of `database`: two commit what has gathered, and all but one more may wait for rows that others hold.
   */
  readonly connections: number;
  readonly clock: () => Instant;
  readonly log: Logger;
  readonly metrics: StoreMetrics;
  /** Of the keys that are parked here. */
  readonly policy: RetryPolicy;
  /** Makes customers found by their addresses and numbers; undefined where no key is set. */
  readonly searchKey?: SearchKey | undefined;
  /** In [0, 1), for the jitter; Math.random without. */
  readonly random?: () => number;
  /** Undefined where traces are off. */
  readonly tracer?: Tracer | undefined;
  /**
   * Told after each commit that changed something for others. Postgres holds it all: what is told here may get lost.
   */
  readonly onCommitted?: (committed: Committed) => void;
  /** Tests make transactions smaller. */
  readonly bounds?: Partial<GroupBounds>;
}

/**
 * What a committed batch has left to others: keys that it parked, with the time
 * until they are tried again in ms, and how many facts the outbox has got at most.
 */
export interface Committed {
  readonly parked: readonly WaitingKey[];
  readonly facts: number;
}

/** Connections that lanes leave free: for two transactions of many partitions, and for reading positions. */
const CONNECTIONS_KEPT = 3;

/**
 * Applies batches of many partitions, as one transaction for all that have gathered. When Postgres refuses it because
 * of what is in it, each partition's batch goes alone, and is halved until the one event is found that parks its key;
 * each part is a transaction of its own that moves the ledger. Throws for infrastructure only.
 */
export const applyBatches = (options: ApplyOptions): BatchHandler => {
  const { connections, bounds } = options;
  const families = familiesOf(options.aggregates, options.searchKey);
  const attempt = attemptOf(options, families);
  const submit = createGroupCommit({
    bounds: {
      events: GROUP_EVENTS_MAX,
      bytes: GROUP_BYTES_MAX,
      lanes: Math.max(1, connections - CONNECTIONS_KEPT),
      besideFrom: connections > CONNECTIONS_KEPT ? BESIDE_EVENTS_MIN : Infinity,
      ...bounds,
    },
    together: (ranges) => attempt(ranges, 'skip'),
    alone: aloneOf(attempt, options.log),
    mayPassInParts,
    gathered: (seconds) => options.metrics.stage('gather', seconds),
  });
  return async (batch, signal, progress = () => undefined) =>
    submit(rangeOf(options, batch, families), signal, progress);
};

type Attempt = (
  ranges: readonly Range[],
  locking: Locking,
  failing?: ReadonlyMap<string, string>,
) => Promise<AppliedRanges>;

/** One transaction, and what is told of it once it is committed. */
const attemptOf =
  (
    { group, database, clock, log, metrics, tracer, policy, random = Math.random, onCommitted }: ApplyOptions,
    families: Families,
  ): Attempt =>
  async (ranges, locking, failing = new Map()) => {
    // A policy without waits tries again at once.
    const firstWaitMs = (): number => retryDelayMs(policy, 1, random()) ?? 0;
    const startedAt = performance.now();
    const trace = beginTransaction(tracer, group, ranges);
    const done = await database
      .transaction(async (tx) =>
        applyRanges(tx, families, ranges, { locking, failing, firstWaitMs, stage: metrics.stage }),
      )
      .catch((error: unknown) => {
        trace?.failed(classifyError(error));
        throw error;
      });
    const { applied, decisions, parked } = done;
    if (applied.length > 0) {
      trace?.applied(decisions);
      endEvents(decisions, trace?.span);
      const ms = Math.round(performance.now() - startedAt);
      report(applied, decisions, { group, clock, log, metrics, ms, traceId: trace?.span.traceId });
    }
    const facts = decisions.reduce((sum, decision) => sum + decision.facts.length, 0);
    if (parked.length > 0 || facts > 0) onCommitted?.({ parked, facts });
    return done;
  };

/** Applies one range, halving it while it is refused; the one event that is left alone parks its key. */
const aloneOf = (attempt: Attempt, log: Logger) => {
  /**
   * One event that was refused: its key is parked for it. When that is refused as well, the record is kept as it is.
   */
  const parkOrKeep = async (range: Range, error: unknown): Promise<BatchOutcome> => {
    try {
      return outcomeOf(await attempt([range], 'wait', failingIn(range, error)));
    } catch (second) {
      if (classifyError(second) !== 'event') throw second;
      log.error(
        { code: codeOf('apply', 'kept-as-is'), err: second, ...range.ledger, offset: String(range.firstOffset) },
        'a record could only be kept as it is',
      );
      const arrivals = range.arrivals.map((arrival) => minimalArrival(arrival, reasonOf(second)));
      return outcomeOf(await attempt([{ ...range, arrivals }], 'wait'));
    }
  };

  const applyAlone = async (range: Range, signal: AbortSignal, progress: () => void): Promise<BatchOutcome> => {
    if (signal.aborted) return 'moved';
    progress();
    try {
      return outcomeOf(await attempt([range], 'wait'));
    } catch (error) {
      const [lower, upper] = halves(range);
      // A time-out that one event alone runs into is the database's trouble, a larger batch may just be too large.
      if (classifyError(error) !== 'event' && !(isStatementTimeout(error) && upper !== undefined)) throw error;
      if (upper === undefined) return parkOrKeep(range, error);
      log.warn(
        { err: error, ...range.ledger, firstOffset: String(range.firstOffset), events: range.arrivals.length },
        'a batch could not be applied; looking for the event',
      );
      const outcome = await applyAlone(lower, signal, progress);
      return outcome === 'moved' ? 'moved' : applyAlone(upper, signal, progress);
    }
  };
  return applyAlone;
};

const outcomeOf = ({ applied }: AppliedRanges): BatchOutcome => (applied.length === 1 ? 'applied' : 'moved');

const failingIn = ({ arrivals }: Range, error: unknown): ReadonlyMap<string, string> =>
  new Map(arrivals.map((arrival) => [recordName(arrival), reasonOf(error)]));

const rangeOf = ({ group, clock, tracer }: ApplyOptions, batch: PartitionBatch, families: Families): Range => {
  const now = clock();
  const { topic, partition, firstOffset, nextOffset, records } = batch;
  // Every offset is counted, so a hole in between would make the ledger lie: nothing of ours makes one.
  if (BigInt(records.length) !== nextOffset - firstOffset) {
    throw new Error(
      `${topic}/${partition}: ${records.length} records for the offsets ${firstOffset} to ${nextOffset - 1n}; ` +
        'the topic must be neither compacted nor written in transactions',
    );
  }
  return {
    ledger: { group, topic, partition },
    firstOffset,
    nextOffset,
    arrivals: withSpans(
      tracer,
      records.map((record) => arrivalOf(record, batch, families.aggregates, now)),
    ),
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

/** What is logged and counted of a transaction that is committed. */
const report = (
  ranges: readonly Range[],
  decided: readonly Decision[],
  {
    group,
    clock,
    log,
    metrics,
    ms,
    traceId,
  }: Pick<ApplyOptions, 'group' | 'clock' | 'log' | 'metrics'> & {
    readonly ms: number;
    readonly traceId: string | undefined;
  },
): void => {
  const now = clock();
  metrics.transaction(group, decided.length);
  for (const decision of decided) {
    const { disposition, arrival } = decision;
    metrics.count(labelOf(decision), disposition, 1);
    if (disposition !== 'duplicate' && disposition !== 'parked')
      metrics.applied(labelOf(decision), (now - arrival.receivedAt) / 1000, sampledTraceOf(arrival.span));
    for (const kind of decision.notes ?? []) metrics.countNote(labelOf(decision), kind);
    if (arrival.claimedId !== undefined) metrics.countConflict(labelOf(decision));
  }
  logDecisions(log, decided);
  logTransaction(log, decided, { partitions: ranges.length, ms, traceId });
};
