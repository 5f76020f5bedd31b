import type { KafkaRecord } from '#envelope';
import { begun, circuitWaitMs, closedCircuit, ended } from '#platform/time';
import type { CircuitRule } from '#platform/time';
import type { PublishOutcome } from '../contracts.ts';
import { fastRecord } from './fast-produce.ts';
import type { FastRecord } from './fast-produce.ts';
import { boundOfRecord } from './record-batch.ts';

/**
 * With nothing under way a record goes at once. While a batch is, records gather until it is answered, at most this
 * long, in ms: so batches grow with the load by themselves, and one slow broker does not hold up the rest.
 */
const GATHER_MS = 5;
/**
 * Records and bytes of one batch. A larger record goes alone; topics
 * take TOPIC_MAX_BATCH_BYTES, and 1 MiB where that is not set.
 */
const BATCH_RECORDS_MAX = 200;
const BATCH_BYTES_MAX = 512 * 1024;
/** Batches on their way at once. When all are taken the queue grows, and so do the batches. */
const BATCHES_IN_FLIGHT_MAX = 4;
/** Records and bytes that are accepted and not yet answered. Memory is bounded by this. */
const RECORDS_MAX = 10_000;
const BYTES_MAX = 64 * 1024 * 1024;
/** When the oldest waiting record is older than this, in ms, new ones are not accepted: they could not be in time. */
const OLDEST_WAIT_MAX_MS = 1_000;
/** Every record is answered within this time, in ms. Ingest answers within 3.5 s, Razorpay waits for 5 s. */
export const PUBLISH_DEADLINE_MS = 3_300;
/** After batches have failed in a row nothing is tried any more but one record a second, until one is durable. */
const CIRCUIT: CircuitRule = { failuresToOpen: 4, coolDownMs: 1_000, coolDownMaxMs: 1_000, probeMs: 1_000 };

/** Why a record would not be accepted. */
export type Reluctance = 'closing' | 'queue-full' | 'stalled' | 'kafka-down';

export interface TopicBatch {
  readonly topic: string;
  readonly messages: FastRecord[];
}

export interface BatcherObserver {
  /** `waitedMs`: how long the oldest of them waited until now. */
  readonly sent: (records: number, waitedMs: number) => void;
  /** `late`: the answer came after the deadline, or not at all so far. */
  readonly settled: (result: 'durable' | 'failed' | 'late', ms: number) => void;
}

export interface Batcher {
  readonly publish: (topic: string, record: KafkaRecord) => Promise<PublishOutcome>;
  /** Undefined when a record would be accepted now. */
  readonly reluctance: () => Reluctance | undefined;
  readonly load: () => {
    readonly records: number;
    readonly bytes: number;
    readonly batches: number;
    readonly circuitOpen: boolean;
  };
  /**
   * Accepts nothing more, sends what waits, and returns when all is answered: at the latest after PUBLISH_DEADLINE_MS.
   */
  readonly close: () => Promise<void>;
}

interface Pending {
  readonly topic: string;
  readonly message: FastRecord;
  readonly bytes: number;
  readonly since: number;
  readonly answer: (outcome: PublishOutcome) => void;
}

/**
 * Gathers records into batches in front of the Kafka client: one send per record costs four
 * times the CPU (docs/reference/clients.md). `send` settles when the batch's outcome is
 * known and may take as long as it likes; records are answered in time regardless. A send
 * that failed, or is late, makes its records `unknown`; nothing is sent twice from here.
 */
// oxlint-disable-next-line max-lines-per-function -- closures over one queue and its counters
export const createBatcher = (
  send: (batch: readonly TopicBatch[]) => Promise<void>,
  observer: BatcherObserver,
): Batcher => {
  let circuit = closedCircuit;
  const queue: Pending[] = [];
  const closed = Promise.withResolvers<void>();
  let bytes = 0;
  let unanswered = 0;
  let inFlight = 0;
  let closing = false;
  let starting: NodeJS.Immediate | undefined;
  let gathering: NodeJS.Timeout | undefined;
  let expiring: NodeJS.Timeout | undefined;

  const reluctance = (): Reluctance | undefined => {
    if (closing) return 'closing';
    const now = performance.now();
    if (circuitWaitMs(circuit, now) > 0) return 'kafka-down';
    if (unanswered >= RECORDS_MAX || bytes >= BYTES_MAX) return 'queue-full';
    const oldest = queue[0];
    return oldest !== undefined && now - oldest.since > OLDEST_WAIT_MAX_MS ? 'stalled' : undefined;
  };

  const publish = (topic: string, record: KafkaRecord): Promise<PublishOutcome> => {
    if (reluctance() !== undefined) return Promise.resolve('overloaded');
    const since = performance.now();
    circuit = begun(circuit, CIRCUIT, since);
    return new Promise((resolve) => {
      const message = fastRecord(record);
      const size = boundOfRecord(message);
      queue.push({ topic, message, bytes: size, since, answer: resolve });
      bytes += size;
      unanswered++;
      if (queue.length >= BATCH_RECORDS_MAX) flush();
      else waitForOthers();
      expiring ??= setTimeout(expire, PUBLISH_DEADLINE_MS);
    });
  };

  /**
   * Until the end of this turn, in which other requests are read too,
   * or while something is under way; the next answer flushes too.
   */
  const waitForOthers = (): void => {
    if (inFlight === 0) starting ??= setImmediate(flush);
    else if (inFlight < BATCHES_IN_FLIGHT_MAX) gathering ??= setTimeout(flush, GATHER_MS);
  };

  const isDue = (): boolean => {
    const oldest = queue[0];
    return (
      oldest !== undefined &&
      (closing || inFlight === 0 || queue.length >= BATCH_RECORDS_MAX || performance.now() - oldest.since >= GATHER_MS)
    );
  };

  const flush = (): void => {
    clearImmediate(starting);
    clearTimeout(gathering);
    starting = undefined;
    gathering = undefined;
    while (inFlight < BATCHES_IN_FLIGHT_MAX && isDue()) void dispatch(queue.splice(0, sizeOfNextBatch(queue)));
    if (queue.length > 0) waitForOthers();
  };

  const answerAll = (records: readonly Pending[], outcome: PublishOutcome): void => {
    for (const record of records) {
      bytes -= record.bytes;
      unanswered--;
      record.answer(outcome);
    }
    if (closing && unanswered === 0) closed.resolve();
  };

  const dispatch = async (batch: readonly Pending[]): Promise<void> => {
    inFlight++;
    const startedAt = performance.now();
    let isAnswered = false;
    const answer = (result: 'durable' | 'failed' | 'late'): void => {
      if (isAnswered) return;
      isAnswered = true;
      const at = performance.now();
      if (result !== 'durable') circuit = ended(circuit, false, CIRCUIT, at);
      observer.settled(result, at - startedAt);
      answerAll(batch, result === 'durable' ? 'durable' : 'unknown');
    };
    const deadline = setTimeout(
      answer,
      Math.max(0, (batch[0]?.since ?? startedAt) + PUBLISH_DEADLINE_MS - startedAt),
      'late',
    );
    observer.sent(batch.length, startedAt - (batch[0]?.since ?? startedAt));
    const durable = await send(byTopic(batch)).then(
      () => true,
      () => false,
    );
    clearTimeout(deadline);
    inFlight--;
    // Also when it is late: Kafka is there.
    if (durable) circuit = closedCircuit;
    answer(durable ? 'durable' : 'failed');
    flush();
  };

  /** What never got its turn is answered too: nothing of it was sent. */
  const expire = (): void => {
    expiring = undefined;
    const expiredBefore = performance.now() - PUBLISH_DEADLINE_MS;
    const firstLive = queue.findIndex((record) => record.since > expiredBefore);
    answerAll(queue.splice(0, firstLive === -1 ? queue.length : firstLive), 'overloaded');
    const oldest = queue[0];
    if (oldest !== undefined) expiring = setTimeout(expire, oldest.since - expiredBefore);
  };

  return {
    publish,
    reluctance,
    load: () => ({ records: unanswered, bytes, batches: inFlight, circuitOpen: circuit.kind !== 'closed' }),
    close: async () => {
      closing = true;
      flush();
      if (unanswered > 0) await closed.promise;
      clearImmediate(starting);
      clearTimeout(gathering);
      clearTimeout(expiring);
    },
  };
};

const sizeOfNextBatch = (queue: readonly Pending[]): number => {
  let size = 0;
  let bytes = 0;
  while (size < BATCH_RECORDS_MAX && size < queue.length) {
    bytes += (queue[size] as Pending).bytes;
    if (size > 0 && bytes > BATCH_BYTES_MAX) break;
    size++;
  }
  return size;
};

const byTopic = (batch: readonly Pending[]): readonly TopicBatch[] => {
  const topics = new Map<string, TopicBatch>();
  for (const { topic, message } of batch) {
    const known = topics.get(topic);
    if (known === undefined) topics.set(topic, { topic, messages: [message] });
    else known.messages.push(message);
  }
  return [...topics.values()];
};
