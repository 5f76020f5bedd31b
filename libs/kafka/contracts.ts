import type { Envelope, KafkaRecord } from '#envelope';
import type { Parsed } from '#rules';

/**
 * `durable`: all in-sync replicas have it. `overloaded`: nothing was sent, a bound was reached or the producer is
 * closing. `unknown`: the deadline passed or the send failed; it may be stored, or still arrive.
 */
export type PublishOutcome = 'durable' | 'overloaded' | 'unknown';

export interface EventProducer {
  /** Never rejects. `topic` is a catalogue name; the deployment's prefix is added here. */
  publish(topic: string, record: KafkaRecord): Promise<PublishOutcome>;
}

/** What tells a record of one log from the record at its offset in another. */
export interface RecordMark {
  /** Of the record's header; null when it has none. */
  readonly eventId: string | null;
  /** When Kafka appended it, in ms since 1970. */
  readonly appendedMs: number;
  /** Epoch of the leader that appended it; null when the client does not say. */
  readonly leaderEpoch: number | null;
}

/** One Kafka record as a consumer sees it. What cannot be decoded keeps its bytes. */
export interface ReceivedRecord {
  readonly offset: bigint;
  readonly key: string | null;
  readonly value: Buffer;
  readonly envelope: Parsed<Envelope>;
  /** Left out where the record is not fresh from Kafka. */
  readonly mark?: RecordMark;
}

/** Consecutive records of one partition. Topics here carry no prefix. */
export interface PartitionBatch {
  readonly topic: string;
  readonly partition: number;
  /** Offset of the first record. */
  readonly firstOffset: bigint;
  /** One behind the last record: where the partition stands once this batch is applied. */
  readonly nextOffset: bigint;
  readonly records: readonly ReceivedRecord[];
}

/** `moved`: someone else moved the ledger (a stale owner, or a rebase): read the position again and seek there. */
export type BatchOutcome = 'applied' | 'moved';

/**
 * Returns when the batch's outcome is final. Throws only for infrastructure (database away, deadlock, time-out): the
 * consumer pauses, backs off and hands over the same batch again, for ever. `signal` is aborted when the partition is
 * taken away. A handler that takes long for one batch calls `progress` whenever it gets on, else it is taken for hung.
 */
export type BatchHandler = (batch: PartitionBatch, signal: AbortSignal, progress?: () => void) => Promise<BatchOutcome>;

/** What Kafka says of a partition when a consumer gets it. */
export interface PartitionLog {
  readonly clusterId: string;
  /** First offset that is still there. */
  readonly startOffset: bigint;
  /** One behind the last. */
  readonly endOffset: bigint;
}

/** Where to read from, or why the partition stands still until an operator decides. */
export type Position =
  /** `before`: the record at the offset before it must be this one, where it is still there. */
  | { readonly kind: 'at'; readonly offset: bigint; readonly before?: RecordMark }
  | {
      readonly kind: 'halted';
      readonly reason: 'other-cluster' | 'other-log' | 'gap' | 'past-end';
      readonly explanation: string /** Where the ledger stands. */;
      readonly offset: bigint;
    };

/**
 * The ledger is the position of truth: asked on assignment, after `moved`, and every
 * `haltRecheckMs` of the tuning while halted. `earlier`: what it answered before `log` was
 * read; a ledger that stood past the end both times was not just overtaken by another owner.
 */
export interface PositionSource {
  positionOf(topic: string, partition: number, log: PartitionLog, earlier?: Position): Promise<Position>;
  /** Where the ledger stands for every partition of the group that has a row, by `topic/partition`: one query. */
  standings(): Promise<ReadonlyMap<string, bigint>>;
  /** Keeps why a partition does not go on, for whoever asks for its status. */
  note(topic: string, partition: number, trouble: string): Promise<void>;
}
