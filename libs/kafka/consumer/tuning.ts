/**
 * Bounds and times of a consumer, all in ms unless the name says
 * otherwise. Tests shorten some; deployments do not differ.
 */
export interface ConsumerTuning {
  /** Records of one partition handed over at once. Beyond 500 a transaction gains nothing (docs/performance.md). */
  readonly chunkRecordsMax: number;
  /**
   * Records of one partition that wait to be handed over: beyond
   * either the partition is not fetched further. Two fetches fill it.
   */
  readonly bufferBytesMax: number;
  readonly bufferRecordsMax: number;
  /**
   * How long a fetch waits for room in a full buffer: applying sets the pace
   * of fetching. After it the partition is paused, and the others go on.
   */
  readonly roomWaitMs: number;
  /**
   * Rest after a fetch that brought records: what comes meanwhile comes with the next one, and into one transaction.
   * The first record after a silence is handed over at once.
   */
  readonly fetchRestMs: number;
  /**
   * Longest wait of a fetch where nothing comes: waiting is most of what an idle service does (docs/performance.md). A
   * record ends it at once. A rebalance of a group to which nothing comes takes so much longer: heartbeats go between
   * fetches.
   */
  readonly idleFetchWaitMs: number;
  /**
   * First and longest pause after a failure of the database; tries
   * are endless. Short enough to be back 5 s after a failover.
   */
  readonly retryFirstMs: number;
  readonly retryMaxMs: number;
  /** Between two log lines about a failure that goes on, of a batch or of the client. */
  readonly failureLogEveryMs: number;
  /** How often the position of a halted partition is asked for again. */
  readonly haltRecheckMs: number;
  /** How long a partition that the group gives back waits for what this consumer still has in hand of it. */
  readonly rebalanceGraceMs: number;
  /** Kafka's committed offsets follow the ledger this closely; only lag tools read them. */
  readonly commitEveryMs: number;
  /** The log's ends are read this often: lag, and positions that the log has lost. */
  readonly lagPollMs: number;
  /**
   * No fetch, no rebalance, no restart and no finished batch for this
   * long: the client hangs (B11), the process must end.
   */
  readonly watchdogMs: number;
}

export const consumerTuning: ConsumerTuning = {
  chunkRecordsMax: 500,
  bufferBytesMax: 1024 * 1024,
  bufferRecordsMax: 2_000,
  roomWaitMs: 100,
  fetchRestMs: 10,
  idleFetchWaitMs: 1_000,
  retryFirstMs: 100,
  retryMaxMs: 3_000,
  failureLogEveryMs: 60_000,
  haltRecheckMs: 10_000,
  rebalanceGraceMs: 10_000,
  commitEveryMs: 1_000,
  lagPollMs: 15_000,
  watchdogMs: 120_000,
};

/**
 * Longest wait of a fetch, and least time between two heartbeats, which kafkajs sends only between fetches: with these
 * two a member joins or leaves in 0.3 to 0.5 s instead of 5 to 10 (docs/reference/clients.md).
 */
const FETCH_WAIT_MS = 250;
export const HEARTBEAT_MS = 500;
/**
 * A member that was killed keeps its partitions this long, and after an outage of Kafka the group waits as long for the
 * members of before. Heartbeats go on while batches are applied, so it can be short.
 */
const SESSION_TIMEOUT_MS = 10_000;
/**
 * How long a rebalance waits for a member. Members do not wait for
 * what they apply: the ledger fences it. Shorter than `watchdogMs`.
 */
const REBALANCE_TIMEOUT_MS = 60_000;
/**
 * Memory: kafkajs decodes a whole fetch at once (B12). About 330 events of 1.5 KB per partition, and 8 MiB per broker.
 */
const FETCH_PARTITION_BYTES = 512 * 1024;
const FETCH_BYTES = 8 * 1024 * 1024;
/**
 * kafkajs hands over as many partitions of a fetch at once: more than a member
 * has with the shipped topics, so that none waits for room in another buffer.
 */
export const FETCH_WORKERS = 64;
/**
 * Longest answer to any other request, and kafkajs' own retries. When they are used up it restarts itself and tries on.
 */
export const REQUEST_TIMEOUT_MS = 5_000;
export const CLIENT_RETRY = { retries: 5, initialRetryTime: 100, maxRetryTime: 1_000 } as const;
/**
 * How a member of a group reads. Between one that consumes and one that only reads
 * a topic to its end nothing differs but how long the first waits where nothing comes.
 */
export const MEMBER_SETTINGS = {
  allowAutoTopicCreation: false,
  maxWaitTimeInMs: FETCH_WAIT_MS,
  heartbeatInterval: HEARTBEAT_MS,
  sessionTimeout: SESSION_TIMEOUT_MS,
  rebalanceTimeout: REBALANCE_TIMEOUT_MS,
  maxBytesPerPartition: FETCH_PARTITION_BYTES,
  maxBytes: FETCH_BYTES,
} as const;
/**
 * Before a stop's deadline: batches in hand are aborted, at half of
 * it no longer waited for, so that the group is left in time.
 */
export const STOP_MARGIN_MS = 1_000;
