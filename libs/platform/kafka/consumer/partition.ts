import type { EnvelopeDecoder } from '#envelope';
import type { Logger } from '#platform/log';
import { backoffMs, createThrottle, pause } from '#platform/time';
import { unparsed } from '#rules';
import type {
  BatchHandler,
  PartitionBatch,
  PartitionLog,
  Position,
  PositionSource,
  ReceivedRecord,
} from '../contracts.ts';
import { nextChunk } from './chunk.ts';
import type { Chunk, FetchedMessage } from './chunk.ts';
import type { ConsumerMetrics } from './metrics.ts';
import type { ConsumerTuning } from './tuning.ts';

/** What a partition can tell the Kafka client. */
export interface PartitionReader {
  readonly pause: () => void;
  /** Reads on from `offset`. */
  readonly resumeAt: (offset: bigint) => void;
  /** Everything before `offset` is applied. */
  readonly markApplied: (offset: bigint) => void;
}

export interface PartitionOptions {
  readonly topic: string;
  readonly partition: number;
  readonly reader: PartitionReader;
  readonly readLog: () => Promise<PartitionLog>;
  readonly positions: PositionSource;
  readonly handler: BatchHandler;
  readonly decoder: EnvelopeDecoder;
  readonly metrics: ConsumerMetrics;
  readonly log: Logger;
  readonly tuning: ConsumerTuning;
}

/** One partition for as long as the group leaves it to this consumer. */
export interface AssignedPartition {
  readonly topic: string;
  readonly partition: number;
  /**
   * Applies fetched records until they end, the partition is paused, or `leaving` says so. Answers the offset of the last one that
   * was applied, undefined when there was none or the partition is gone. Never rejects.
   */
  readonly apply: (messages: readonly FetchedMessage[], leaving: () => boolean) => Promise<bigint | undefined>;
  /** The ledger has said where it stands, or that it stands still. */
  readonly isPositioned: () => boolean;
  /** Compares with the log's ends: lag, and whether the position is still inside. */
  readonly compare: (log: PartitionLog) => void;
  /** The partition is gone: aborts the batch in hand and all waiting. */
  readonly release: () => void;
}

/** Other records than the expected ones can be a fetch that was already on its way; so many in a row are a hole in the log. */
const MISSES_MAX = 3;

type Halted = Extract<Position, { readonly kind: 'halted' }>;

/**
 * The ledger says where a partition stands. It is read while the partition is paused; only then are records fetched, and only a
 * batch that begins exactly there is applied. Whatever else happens (kafkajs' own reset to the log's start, a stale fetch, a
 * ledger that someone moved) leads back to reading the ledger.
 */
export const assignPartition = (options: PartitionOptions): AssignedPartition => {
  const { topic, partition, reader, positions, metrics, tuning } = options;
  const log = options.log.child({ topic, partition });
  const labels = { topic, partition: String(partition) };
  const released = new AbortController();
  const signal = released.signal;
  /** The next offset to apply, as far as it is known. */
  let position = 0n;
  let isKnown = false;
  /** Fetched records are taken; not while the position is looked up, the partition is halted, or a failed batch waits. */
  let open = false;
  let halted: Halted | undefined;
  /** Where the batch that failed ended, so that the very same batch is handed over again. */
  let retryUntil: bigint | undefined;
  let failures = 0;
  const failureLog = createThrottle(tuning.failureLogEveryMs);
  let busy = false;
  let progressAt = performance.now();
  /** How often in a row the log gave other records than those at the position. */
  let misses = 0;

  const fail = (error: unknown, what: string): void => {
    failures += 1;
    metrics.failures.inc({ topic });
    if (failureLog.admit() !== undefined)
      log.error({ err: error, tries: failures }, `${what}; it is tried again until it works`);
  };
  const succeed = (what: string): void => {
    if (failures > 0) log.info({ tries: failures }, `${what} works again`);
    failures = 0;
    failureLog.reset();
  };

  const close = (): void => {
    open = false;
    reader.pause();
  };
  const readOn = (): void => {
    if (signal.aborted) return;
    open = true;
    reader.resumeAt(position);
  };

  /** The position, checked against the log that was read before it. Read twice before a halt: the log may have grown between. */
  const lookUp = async (): Promise<Position> => {
    const ask = async (earlier?: Position): Promise<Position> => {
      const partitionLog = await options.readLog();
      return insideLog(await positions.positionOf(topic, partition, partitionLog, earlier), partitionLog);
    };
    const position = await ask();
    return position.kind === 'halted' ? ask(position) : position;
  };

  /** Pauses, reads the ledger until it answers, then reads on there or halts until it answers something else. */
  const reposition = async (): Promise<void> => {
    close();
    retryUntil = undefined;
    while (!signal.aborted) {
      const found = await lookUp().catch((error: unknown) => {
        fail(error, 'the position in the ledger could not be read');
        return undefined;
      });
      if (found?.kind === 'at' && (found.offset !== position || misses < MISSES_MAX)) {
        resumeFrom(found.offset);
        return;
      }
      if (found !== undefined) halt(found.kind === 'halted' ? found : holeAt(found.offset));
      await pause(
        found === undefined ? backoffMs(failures, tuning.retryFirstMs, tuning.retryMaxMs) : tuning.haltRecheckMs,
        signal,
      );
    }
  };

  const resumeFrom = (offset: bigint): void => {
    if (signal.aborted) return;
    succeed('reading the ledger');
    if (halted !== undefined) {
      metrics.halted.remove({ ...labels, reason: halted.reason });
      log.info({ offset: String(offset) }, `${topic}/${partition} goes on`);
    }
    halted = undefined;
    if (offset !== position) misses = 0;
    position = offset;
    isKnown = true;
    progressAt = performance.now();
    reader.markApplied(offset);
    readOn();
  };

  const halt = (reason: Halted): void => {
    if (signal.aborted || halted?.explanation === reason.explanation) return;
    if (halted !== undefined) metrics.halted.remove({ ...labels, reason: halted.reason });
    halted = reason;
    metrics.halted.set({ ...labels, reason: reason.reason }, 1);
    log.error(
      { reason: reason.reason },
      `${topic}/${partition} stands still, the other partitions go on: ${reason.explanation}`,
    );
  };

  const decode = async (chunk: Chunk): Promise<PartitionBatch> => {
    const records: ReceivedRecord[] = [];
    for (const message of chunk.messages) {
      const answer =
        message.value === null
          ? unparsed('the record has no value')
          : options.decoder.decode(message.value, message.headers);
      records.push({
        offset: BigInt(message.offset),
        key: message.key?.toString() ?? null,
        value: message.value ?? Buffer.alloc(0),
        envelope: answer instanceof Promise ? await answer : answer,
      });
    }
    return { topic, partition, firstOffset: chunk.firstOffset, nextOffset: chunk.nextOffset, records };
  };

  /** True when the chunk is applied and the partition can go on with the next. */
  const applyChunk = async (chunk: Chunk): Promise<boolean> => {
    const end = metrics.batchSeconds.startTimer({ topic });
    try {
      const outcome = await options.handler(await decode(chunk), signal);
      end({ outcome });
      if (outcome === 'moved') {
        log.warn(
          { offset: String(chunk.firstOffset) },
          'the ledger was moved by someone else; its position is read again',
        );
        void reposition();
        return false;
      }
    } catch (error) {
      end({ outcome: 'failed' });
      if (!signal.aborted) waitAndRetry(error, chunk);
      return false;
    }
    succeed('applying a batch');
    retryUntil = undefined;
    misses = 0;
    position = chunk.nextOffset;
    progressAt = performance.now();
    metrics.consumed.inc({ topic }, chunk.messages.length);
    reader.markApplied(chunk.nextOffset);
    return true;
  };

  /** Only this partition waits; the group keeps its heartbeats and the others go on. */
  const waitAndRetry = (error: unknown, chunk: Chunk): void => {
    fail(error, `records ${chunk.firstOffset} to ${chunk.nextOffset - 1n} could not be applied`);
    close();
    retryUntil = chunk.nextOffset;
    void pause(backoffMs(failures, tuning.retryFirstMs, tuning.retryMaxMs), signal).then(readOn);
  };

  const apply = async (messages: readonly FetchedMessage[], leaving: () => boolean): Promise<void> => {
    while (open && !signal.aborted && !leaving()) {
      const last = messages.at(-1);
      const chunk = nextChunk(messages, position, tuning.chunkRecordsMax, retryUntil);
      if (chunk === undefined) {
        // The end of what was fetched, unless nothing of it was taken.
        if (last === undefined || BigInt(last.offset) === position - 1n) return;
        miss(messages);
        return;
      }
      if (!(await applyChunk(chunk))) return;
    }
  };

  const miss = (messages: readonly FetchedMessage[]): void => {
    misses += 1;
    log.warn(
      { position: String(position), fetched: messages[0]?.offset, misses },
      'Kafka gave other records than those at the position; the ledger is read again',
    );
    void reposition();
  };

  void reposition();
  return {
    topic,
    partition,
    apply: async (messages, leaving) => {
      busy = true;
      const before = position;
      try {
        await apply(messages, leaving);
      } finally {
        busy = false;
      }
      return position > before && !signal.aborted ? position - 1n : undefined;
    },
    isPositioned: () => isKnown || halted !== undefined,
    compare: (partitionLog) => {
      if (!isKnown) return;
      const lag = Number(partitionLog.endOffset - position);
      metrics.lag.set(labels, Math.max(0, lag));
      metrics.stalledSeconds.set(labels, lag > 0 ? (performance.now() - progressAt) / 1000 : 0);
      if (open && !busy && insideLog({ kind: 'at', offset: position }, partitionLog).kind === 'halted')
        void reposition();
    },
    release: () => {
      released.abort();
      metrics.lag.remove(labels);
      metrics.stalledSeconds.remove(labels);
      if (halted !== undefined) metrics.halted.remove({ ...labels, reason: halted.reason });
    },
  };
};

/** kafkajs would answer a position outside the log by starting over at its beginning; here it stands still. */
const insideLog = (position: Position, log: PartitionLog): Position => {
  if (position.kind === 'halted') return position;
  const { offset } = position;
  if (offset < log.startOffset)
    return standing(
      offset,
      'gap',
      `records ${offset} to ${log.startOffset - 1n} left the log before they were applied (retention, or deleted by hand)`,
    );
  if (offset > log.endOffset)
    return standing(
      offset,
      'past-end',
      `the ledger stands at ${offset}, but the log ends at ${log.endOffset}: it was cut off or made anew`,
    );
  return position;
};

const holeAt = (offset: bigint): Halted =>
  standing(offset, 'gap', `the log has no record ${offset}, but later ones (compaction or a transaction)`);

const standing = (offset: bigint, reason: Halted['reason'], what: string): Halted => ({
  kind: 'halted',
  reason,
  offset,
  explanation: `${what}; see npx dakia ledger show, then decide with npx dakia ledger rebase --reason`,
});
