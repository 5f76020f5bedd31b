import type { EnvelopeDecoder } from '#envelope';
import { codeOf } from '#platform/log';
import type { Logger } from '#platform/log';
import { backoffMs, pause } from '#platform/time';
import type { BatchHandler, BatchOutcome, PartitionLog, Position, PositionSource, RecordMark } from '../contracts.ts';
import { createBuffer } from './buffer.ts';
import type { Chunk, FetchedMessage, RecordBuffer } from './buffer.ts';
import { decodeChunk } from './decode-chunk.ts';
import { createFailures } from './failures.ts';
import type { Failures } from './failures.ts';
import type { InHand } from './in-hand.ts';
import { holeAt, insideLog, otherLog } from './inside-log.ts';
import { isSameRecord, markOf } from './mark.ts';
import type { ConsumerMetrics } from './metrics.ts';
import { transition } from './mode.ts';
import type { Halted, Mode } from './mode.ts';
import type { ConsumerTuning } from './tuning.ts';

/** What a partition can tell the Kafka client. */
export interface PartitionReader {
  readonly pause: () => void;
  /** Reads on where the client stands. */
  readonly resume: () => void;
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
  readonly inHand: InHand;
  readonly decoder: EnvelopeDecoder;
  readonly metrics: ConsumerMetrics;
  readonly log: Logger;
  readonly tuning: ConsumerTuning;
}

type At = Extract<Position, { readonly kind: 'at' }>;

/** Other records than expected can be of a fetch that was on its way; so many in a row are a hole in the log. */
const MISSES_MAX = 3;

/**
 * One partition for as long as the group leaves it to this consumer. The ledger says where it stands.
 * It is read while the partition is paused; only then are records fetched, and only a batch that begins
 * exactly there is applied. Whatever else happens (kafkajs' own reset to the log's start, a stale
 * fetch, a ledger that someone moved) leads back to reading the ledger. Fetching does not wait for
 * applying: records go into a bounded buffer, of which one chunk at a time is in the handler's hand.
 */
export class AssignedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly #options: PartitionOptions;
  readonly #name: string;
  readonly #labels: { readonly topic: string; readonly partition: string };
  readonly #log: Logger;
  readonly #failures: Failures;
  readonly #buffer: RecordBuffer;
  readonly #released = new AbortController();
  #mode: Mode = { kind: 'positioning' };
  /** The next offset to apply, as far as it is known. */
  #position = 0n;
  #isKnown = false;
  /** One behind the last record that was put into the buffer. */
  #fetchedTo = 0n;
  /** The record before the position is read first and compared: is this the log that the ledger speaks of? */
  #awaited: RecordMark | undefined;
  /** What was found there instead; it stays so until the ledger stands elsewhere. */
  #otherLog: Halted | undefined;
  /** A chunk is being handed over, or waits to be handed over again. */
  #busy = false;
  #draining = false;
  /** How often in a row the log gave other records than those at the position. */
  #misses = 0;
  /** It did so while a chunk was in hand: the position is looked up after it. */
  #missed = false;
  #progressAt = performance.now();
  /** Settles when the buffer has room again; there while somebody waits for that, or the client is paused for it. */
  #room: PromiseWithResolvers<void> | undefined;

  constructor(options: PartitionOptions) {
    const { topic, partition, metrics, tuning } = options;
    this.topic = topic;
    this.partition = partition;
    this.#options = options;
    this.#name = `${topic}/${partition}`;
    this.#labels = { topic, partition: String(partition) };
    this.#log = options.log.child({ topic, partition });
    this.#failures = createFailures(this.#log, tuning.failureLogEveryMs, {
      counted: () => metrics.failures.inc({ topic }),
      logged: (what) => this.#note(what),
    });
    this.#buffer = createBuffer(tuning);
    void this.#begin();
  }

  /**
   * Takes fetched records. Settles as soon as the client may fetch on: at once, or when
   * there is room, or after a short wait with this partition paused. Answers the last
   * offset of what it was given; undefined when nothing of it was taken. Never rejects.
   */
  async accept(messages: readonly FetchedMessage[]): Promise<bigint | undefined> {
    const last = messages.at(-1);
    if (this.#awaited !== undefined && !this.#verify(messages, this.#awaited)) return undefined;
    if (last === undefined || this.#missed || !(this.#mode.kind === 'reading' || this.#mode.kind === 'retrying'))
      return undefined;
    const end = BigInt(last.offset);
    const taken = this.#buffer.add(messages, this.#fetchedTo);
    if (taken === 0 && end !== this.#fetchedTo - 1n) {
      this.#miss(messages[0]?.offset);
      return undefined;
    }
    if (taken > 0) this.#fetchedTo = end + 1n;
    void this.#pump();
    if (this.#buffer.isFull()) await this.#waitForRoom();
    return this.#isReleased() ? undefined : end;
  }

  /** The next offset to apply, as far as it is known. */
  get position(): bigint {
    return this.#position;
  }

  /** The ledger has said where it stands, or that it stands still. */
  isPositioned(): boolean {
    return this.#isKnown || this.#mode.kind === 'halted';
  }

  /** True when the first record is the one that was applied last; then it is read on behind it. */
  #verify(messages: readonly FetchedMessage[], expected: RecordMark): boolean {
    const before = messages.find(({ offset }) => BigInt(offset) === this.#position - 1n);
    this.#awaited = undefined;
    if (before === undefined) {
      this.#miss(messages[0]?.offset);
      return false;
    }
    const found = markOf(before);
    if (isSameRecord(expected, found)) {
      this.#enter({ kind: 'reading' });
      return true;
    }
    this.#otherLog = otherLog(this.#position, expected, found);
    void this.#reposition();
    return false;
  }

  /**
   * Compares with the log's ends and with the ledger: lag, and whether the position is
   * still inside, and still the ledger's. `ledger.asked`: the position when the ledger was
   * asked; a batch that was applied since tells nothing. `stands` null: its row is gone.
   */
  compare(log: PartitionLog, ledger?: { readonly asked: bigint; readonly stands: bigint | null }): void {
    if (!this.#isKnown || this.#isReleased()) return;
    const { metrics } = this.#options;
    const lag = Number(log.endOffset - (ledger?.stands ?? this.#position));
    metrics.lag.set(this.#labels, Math.max(0, lag));
    metrics.stalledSeconds.set(this.#labels, lag > 0 ? (performance.now() - this.#progressAt) / 1000 : 0);
    if (!this.#isIdle) return;
    if (ledger !== undefined && ledger.asked === this.#position && ledger.stands !== this.#position) {
      this.#log.warn(
        { position: String(this.#position), ledger: String(ledger.stands) },
        'the ledger stands elsewhere or has lost the row (Postgres was restored, failed over or changed): read again',
      );
      void this.#reposition();
    } else if (insideLog({ kind: 'at', offset: this.#position }, log).kind === 'halted') void this.#reposition();
  }

  /** No further chunk is handed over. */
  drain(): void {
    this.#draining = true;
  }

  /** The partition is gone: aborts the batch in hand and all waiting. */
  release(): void {
    const { metrics } = this.#options;
    metrics.lag.remove(this.#labels);
    metrics.stalledSeconds.remove(this.#labels);
    this.#enter({ kind: 'released' });
    this.#released.abort();
    this.#buffer.clear();
  }

  #isReleased(): boolean {
    return this.#mode.kind === 'released';
  }

  /** Nothing is in hand and nothing is under way that will say where the partition stands. */
  get #isIdle(): boolean {
    return this.#mode.kind === 'reading' && !this.#busy;
  }

  #enter(mode: Mode): void {
    const before = this.#mode;
    this.#mode = transition(before, mode);
    const { halted } = this.#options.metrics;
    if (before.kind === 'halted') halted.remove({ ...this.#labels, reason: before.why.reason });
    if (mode.kind === 'halted') halted.set({ ...this.#labels, reason: mode.why.reason }, 1);
  }

  /** What the assignment before left in hand ends first: it moves the ledger. */
  async #begin(): Promise<void> {
    const { reader, inHand, tuning } = this.#options;
    reader.pause();
    await inHand.endedAt(this.#name, tuning.rebalanceGraceMs, this.#released.signal);
    if (!this.#isReleased()) await this.#reposition();
  }

  /** Pauses, reads the ledger until it answers, then reads on there or halts until it answers something else. */
  async #reposition(): Promise<void> {
    const { reader, tuning } = this.#options;
    this.#enter({ kind: 'positioning' });
    reader.pause();
    this.#buffer.clear();
    this.#makeRoom();
    this.#missed = false;
    this.#awaited = undefined;
    while (!this.#isReleased()) {
      const found = await this.#lookUp().catch((error: unknown) => {
        this.#failures.failed(error, 'the position in the ledger could not be read');
        return undefined;
      });
      if (this.#isReleased()) return;
      if (found?.kind === 'at' && (found.offset !== this.#position || found.before === undefined))
        this.#otherLog = undefined;
      if (found?.kind === 'at' && this.#otherLog === undefined && this.#mayRead(found.offset)) {
        this.#readFrom(found);
        return;
      }
      if (found !== undefined) this.#halt(found.kind === 'halted' ? found : (this.#otherLog ?? holeAt(found.offset)));
      const waitMs =
        found === undefined
          ? backoffMs(this.#failures.count(), tuning.retryFirstMs, tuning.retryMaxMs)
          : tuning.haltRecheckMs;
      await pause(waitMs, this.#released.signal);
    }
  }

  /** The position, checked against the log that was read before it. Read twice before a halt: the log may grow. */
  async #lookUp(): Promise<Position> {
    const { readLog, positions } = this.#options;
    const ask = async (earlier?: Position): Promise<Position> => {
      const log = await readLog();
      const found = insideLog(await positions.positionOf(this.topic, this.partition, log, earlier), log);
      // The record before the position may have left the log.
      return found.kind === 'at' && found.offset <= log.startOffset ? { kind: 'at', offset: found.offset } : found;
    };
    const position = await ask();
    return position.kind === 'halted' ? ask(position) : position;
  }

  #mayRead(offset: bigint): boolean {
    return offset !== this.#position || this.#misses < MISSES_MAX;
  }

  #readFrom({ offset, before }: At): void {
    this.#failures.worked('reading the ledger');
    if (this.#mode.kind === 'halted') this.#log.info({ offset: String(offset) }, `${this.#name} goes on`);
    if (offset !== this.#position) this.#misses = 0;
    this.#position = offset;
    this.#fetchedTo = offset;
    this.#isKnown = true;
    this.#progressAt = performance.now();
    this.#options.reader.markApplied(offset);
    this.#awaited = before;
    if (before === undefined) this.#enter({ kind: 'reading' });
    else this.#enter({ kind: 'positioning' });
    this.#options.reader.resumeAt(before === undefined ? offset : offset - 1n);
  }

  #halt(why: Halted): void {
    if (this.#mode.kind === 'halted' && this.#mode.why.explanation === why.explanation) return;
    this.#enter({ kind: 'halted', why });
    this.#note(`${why.reason}: ${why.explanation}`);
    this.#log.error(
      { code: codeOf('halted', why.reason), reason: why.reason },
      `${this.#name} stands still, the other partitions go on: ${why.explanation}`,
    );
  }

  /** For the status of the partition. While Postgres is away nobody can ask for that either. */
  #note(trouble: string): void {
    this.#options.positions
      .note(this.topic, this.partition, trouble)
      .catch((error: unknown) => this.#log.debug({ err: error }, 'the trouble could not be noted in the ledger'));
  }

  /** Hands over what is in the buffer, chunk by chunk, until it is empty or something else is to be done. */
  async #pump(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      while (this.#mode.kind === 'reading' && !this.#draining && !this.#missed) {
        const chunk = this.#buffer.take(this.#position, this.#options.tuning.chunkRecordsMax);
        if (chunk === undefined) break;
        this.#makeRoom();
        await this.#apply(chunk);
      }
    } finally {
      this.#busy = false;
    }
    if (this.#mode.kind !== 'reading' || this.#draining) return;
    if (this.#missed) await this.#reposition();
    else if (!this.#buffer.isEmpty()) this.#miss(undefined);
  }

  /** Until the chunk is applied, or the partition stands elsewhere. Only this partition waits while it is not. */
  async #apply(chunk: Chunk): Promise<void> {
    for (;;) {
      const outcome = await this.#applyOnce(chunk);
      if (outcome === 'applied') this.#options.metrics.consumed.inc({ topic: this.topic }, chunk.messages.length);
      if (this.#isReleased()) return;
      if (outcome === 'applied') {
        this.#advanceTo(chunk.nextOffset);
        return;
      }
      if (outcome === 'moved') {
        this.#log.warn(
          { offset: String(chunk.firstOffset) },
          'the ledger was moved by someone else; its position is read again',
        );
        this.#missed = true;
        return;
      }
      this.#enter({ kind: 'retrying' });
      const { retryFirstMs, retryMaxMs } = this.#options.tuning;
      await pause(backoffMs(this.#failures.count(), retryFirstMs, retryMaxMs), this.#released.signal);
      if (this.#isReleased()) return;
      this.#enter({ kind: 'reading' });
      if (this.#draining) return;
    }
  }

  async #applyOnce(chunk: Chunk): Promise<BatchOutcome | 'failed'> {
    const { metrics, handler, inHand } = this.#options;
    const startedAt = performance.now();
    const end = (outcome: BatchOutcome | 'failed'): void =>
      metrics.batchSeconds.observe({ topic: this.topic, outcome }, (performance.now() - startedAt) / 1000);
    metrics.batchRecords.observe({ topic: this.topic }, chunk.messages.length);
    try {
      const outcome = await inHand.run(this.#name, async (progress) => {
        const batch = await decodeChunk(this, chunk, this.#options.decoder);
        metrics.stageSeconds.observe({ stage: 'decode' }, (performance.now() - startedAt) / 1000);
        return handler(batch, this.#released.signal, progress);
      });
      end(outcome);
      return outcome;
    } catch (error) {
      end('failed');
      const { firstOffset, nextOffset } = chunk;
      if (!this.#isReleased())
        this.#failures.failed(error, `records ${firstOffset} to ${nextOffset - 1n} could not be applied`);
      return 'failed';
    }
  }

  #advanceTo(offset: bigint): void {
    this.#failures.worked('applying a batch');
    this.#misses = 0;
    this.#position = offset;
    this.#progressAt = performance.now();
    this.#options.reader.markApplied(offset);
  }

  #miss(fetched: string | undefined): void {
    this.#misses += 1;
    this.#log.warn(
      { position: String(this.#position), fetched, misses: this.#misses },
      'Kafka gave other records than those at the position; the ledger is read again',
    );
    if (this.#busy) this.#missed = true;
    else void this.#reposition();
  }

  /**
   * Fetching slows down to the pace of applying; for a partition that
   * applies nothing for longer it stops, and the others go on.
   */
  async #waitForRoom(): Promise<void> {
    const room = (this.#room ??= Promise.withResolvers<void>());
    await Promise.race([room.promise, pause(this.#options.tuning.roomWaitMs, this.#released.signal)]);
    if (this.#room !== room || this.#isReleased()) return;
    this.#options.reader.pause();
    this.#log.debug('the buffer is full; fetching rests until half of it is applied');
    void room.promise.then(() => {
      if (this.#mode.kind === 'reading' || this.#mode.kind === 'retrying') this.#options.reader.resume();
    });
  }

  #makeRoom(): void {
    if (this.#room === undefined || !this.#buffer.hasRoom()) return;
    this.#room.resolve();
    this.#room = undefined;
  }
}
