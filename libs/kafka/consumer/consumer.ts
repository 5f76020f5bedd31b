import kafkajs from 'kafkajs';
import type { EachBatchPayload } from 'kafkajs';
import { createEnvelopeDecoder } from '#envelope';
import type { EnvelopeDecoder } from '#envelope';
import type { Logger } from '#platform/log';
import type { Registry } from '#platform/metrics';
import type { Component } from '#platform/service';
import { createPeriodic, createThrottle, inTime, now, pause, startWatchdog } from '#platform/time';
import type { Watchdog } from '#platform/time';
import { createKafka } from '../client.ts';
import type { KafkaConfig } from '../client.ts';
import type { BatchHandler, PositionSource } from '../contracts.ts';
import { listen } from './client-events.ts';
import { createCommitter } from './committer.ts';
import { leaveFetches, patchFetchWait } from './fetch-wait.ts';
import { createInHand } from './in-hand.ts';
import { consumerMetrics } from './metrics.ts';
import { createPartitionLogs } from './partition-logs.ts';
import { AssignedPartition } from './partition.ts';
import {
  CLIENT_RETRY,
  consumerTuning,
  FETCH_WORKERS,
  MEMBER_SETTINGS,
  REQUEST_TIMEOUT_MS,
  STOP_MARGIN_MS,
} from './tuning.ts';
import type { ConsumerTuning } from './tuning.ts';

/** A member of a group. */
export interface KafkaConsumer extends Component {
  /**
   * Why it cannot apply records yet; nothing once it has joined its
   * group and knows where each of its partitions stands.
   */
  readonly unready: () => string | undefined;
}

export interface ConsumerOptions {
  readonly config: KafkaConfig;
  /** Without the deployment's prefix. One set of topics per group (B8). */
  readonly group: string;
  /** Names from the catalogue. */
  readonly topics: readonly string[];
  readonly handler: BatchHandler;
  readonly positions: PositionSource;
  /** Without one only the bundled schema versions are read. */
  readonly decoder?: EnvelopeDecoder;
  readonly log: Logger;
  readonly metrics: Registry;
  /** Called once the client cannot go on: it crashed for good, or hangs. */
  readonly fail: (error: Error) => void;
  readonly tuning?: Partial<ConsumerTuning>;
}

/** kafkajs throws while it restarts itself after a crash; the partitions are assigned anew afterwards. */
const whileRunning = (act: () => void): void => {
  try {
    act();
  } catch (error) {
    if (!(error instanceof kafkajs.KafkaJSNonRetriableError)) throw error;
  }
};

/**
 * Reads topics as one member of a group and hands every partition's records over
 * in order, each offset until its outcome is final. Starting fails when Kafka
 * cannot be reached or a topic is missing; later Kafka may be away for any time.
 */
// oxlint-disable-next-line max-lines-per-function -- closures over one member of a group and its partitions
export const createConsumer = (options: ConsumerOptions): KafkaConsumer => {
  const { config, topics, log } = options;
  const prefix = config.topicPrefix;
  const topicNames = topics.map((topic) => `${prefix}${topic}`);
  const tuning: ConsumerTuning = { ...consumerTuning, ...options.tuning };
  const metrics = consumerMetrics(options.metrics);
  const group = `${prefix}${options.group}`;
  const decoder = options.decoder ?? createEnvelopeDecoder();
  const { kafka, sockets } = createKafka(config, log, {
    clientId: `dakia-${options.group}`,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    retry: CLIENT_RETRY,
    retriesLogin: true,
  });
  const admin = kafka.admin();
  patchFetchWait();
  let stopping = false;
  let memberId = '';
  const consumer = kafka.consumer({
    groupId: group,
    ...MEMBER_SETTINGS,
    maxWaitTimeInMs: tuning.idleFetchWaitMs,
    // kafkajs could otherwise start again after a stop that came while it was restarting itself.
    retry: { ...CLIENT_RETRY, restartOnFailure: async () => !stopping },
  });
  const committer = createCommitter(consumer, log);
  const logs = createPartitionLogs(admin, prefix);
  let partitions = new Map<string, AssignedPartition>();
  const inHand = createInHand();
  /** Settles when a stop waits no longer for the batches in hand. */
  const abandoned = Promise.withResolvers<undefined>();
  let watchdog: Watchdog | undefined;
  let hasJoined = false;

  const releaseAll = (): void => {
    for (const partition of partitions.values()) partition.release();
    partitions = new Map();
    metrics.assigned.set({ group: options.group }, 0);
    committer.forget();
  };

  const assign = (topicName: string, partition: number): void => {
    const topic = topicName.slice(prefix.length);
    const assigned = new AssignedPartition({
      topic,
      partition,
      reader: {
        pause: () => whileRunning(() => consumer.pause([{ topic: topicName, partitions: [partition] }])),
        resume: () =>
          whileRunning(() => {
            if (!stopping) consumer.resume([{ topic: topicName, partitions: [partition] }]);
          }),
        resumeAt: (offset) =>
          whileRunning(() => {
            if (stopping) return;
            consumer.seek({ topic: topicName, partition, offset: String(offset) });
            consumer.resume([{ topic: topicName, partitions: [partition] }]);
          }),
        markApplied: (offset) => committer.mark(topicName, partition, offset),
      },
      readLog: () => logs.ofPartition(topic, partition),
      positions: options.positions,
      handler: options.handler,
      inHand,
      decoder,
      metrics,
      log,
      tuning,
    });
    partitions.set(`${topicName}/${partition}`, assigned);
  };

  /** One rest for all partitions of a fetch. */
  let resting: Promise<void> | undefined;
  const rest = (): Promise<void> =>
    (resting ??= pause(tuning.fetchRestMs).then(() => {
      resting = undefined;
    }));

  const restartLog = createThrottle(tuning.failureLogEveryMs);
  /** While Kafka is away the client starts again every 2 s. */
  const reportRestart = (error: Error): void => {
    if (restartLog.admit() === undefined) return;
    log.warn({ err: error }, `the Kafka client of ${options.group} starts again, and will until Kafka answers`);
  };

  /** Never rejects: an error would stop all partitions for a while, and a TypeError the consumer for good (B6, B7). */
  const eachBatch = async (payload: EachBatchPayload): Promise<void> => {
    const { batch } = payload;
    if (stopping) return;
    const last = await partitions.get(`${batch.topic}/${batch.partition}`)?.accept(batch.messages);
    // Where kafkajs fetches next; it would fetch the same records for ever.
    if (last !== undefined) payload.resolveOffset(String(last));
    await rest();
  };

  listen(consumer, {
    joined: (assignment, as) => {
      memberId = as;
      metrics.rebalances.inc({ group: options.group });
      releaseAll();
      if (stopping) return;
      restartLog.reset();
      for (const [topicName, numbers] of Object.entries(assignment))
        for (const number of numbers) assign(topicName, number);
      metrics.assigned.set({ group: options.group }, partitions.size);
      hasJoined = true;
      log.info({ group, partitions: partitions.size }, `${options.group} reads ${partitions.size} partitions`);
    },
    alive: () => watchdog?.alive(),
    silentBroker: sockets.kill,
    crashed: (error, restarts) => {
      releaseAll();
      if (stopping) return;
      if (restarts) reportRestart(error);
      else
        options.fail(
          new Error(`the Kafka consumer of ${options.group} cannot go on: ${error.message}`, { cause: error }),
        );
    },
  });

  const pollLag = async (): Promise<void> => {
    const asked = new Map([...partitions.values()].map((partition) => [partition, partition.position]));
    const standings = await options.positions
      .standings()
      .catch((error: unknown) => log.debug({ err: error }, 'the ledger could not be looked at'));
    for (const topic of topics) {
      const topicLogs = await logs
        .of(topic)
        .catch((error: unknown) => log.debug({ err: error, topic }, 'the lag could not be read'));
      for (const partition of partitions.values()) {
        const partitionLog = partition.topic === topic ? topicLogs?.get(partition.partition) : undefined;
        const stands = standings?.get(`${topic}/${partition.partition}`);
        const before = asked.get(partition);
        if (partitionLog !== undefined)
          partition.compare(
            partitionLog,
            standings === undefined || before === undefined ? undefined : { asked: before, stands: stands ?? null },
          );
      }
    }
  };

  const background = [
    createPeriodic({ name: `lag of ${options.group}`, everyMs: tuning.lagPollMs, work: pollLag, log }),
    createPeriodic({ name: `commits of ${options.group}`, everyMs: tuning.commitEveryMs, work: committer.flush, log }),
  ];

  const connect = async (): Promise<void> => {
    await admin.connect();
    const existing = new Set(await admin.listTopics());
    const missing = topicNames.filter((topic) => !existing.has(topic));
    if (missing.length > 0)
      throw new Error(`Kafka has no topic ${missing.join(', ')}; create it with npx dakia topics apply`);
    await consumer.connect();
    await consumer.subscribe({ topics: topicNames, fromBeginning: true });
  };

  /** Ends the batches in hand, commits, leaves the group. */
  const leave = async (): Promise<void> => {
    // Without this kafkajs would fetch the same records again and again until the last batch has ended.
    whileRunning(() => consumer.pause(topicNames.map((topic) => ({ topic }))));
    for (const partition of partitions.values()) partition.drain();
    await Promise.race([inHand.ended(), abandoned.promise]);
    await committer.flush();
    releaseAll();
    const left = consumer.stop();
    leaveFetches(memberId);
    await left;
    // The last fetch may still wait for records; kafkajs would wait for its answer.
    sockets.endAll();
    await consumer.disconnect();
    await admin.disconnect();
  };

  return {
    name: `consumer of ${options.group}`,
    unready: () => {
      if (!hasJoined) return `the consumer of ${options.group} has not joined its group yet`;
      const waiting = [...partitions.values()].filter((partition) => !partition.isPositioned()).length;
      return waiting === 0
        ? undefined
        : `the consumer of ${options.group} looks up the position of ${waiting} partitions`;
    },
    start: async () => {
      try {
        await connect();
      } catch (error) {
        await Promise.all([consumer.disconnect(), admin.disconnect()]);
        throw new Error(
          `the consumer of ${options.group} cannot start with Kafka at ${config.kafkaBrokers.join(', ')}: ` +
            `${(error as Error).message}`,
          { cause: error },
        );
      }
      watchdog = startWatchdog(
        tuning.watchdogMs,
        (silentMs) =>
          options.fail(new Error(`the Kafka consumer of ${options.group} has done nothing for ${silentMs} ms`)),
        inHand.silentMs,
      );
      for (const work of background) await work.start();
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: FETCH_WORKERS,
        eachBatch,
      });
    },
    stop: async (deadline) => {
      stopping = true;
      // Nothing new begins; what is under way ends with its connection.
      const ended = Promise.allSettled(background.map((work) => work.stop(deadline)));
      watchdog?.stop();
      const left = deadline - now();
      const abort = setTimeout(releaseAll, Math.max(0, left - STOP_MARGIN_MS));
      const abandon = setTimeout(abandoned.resolve, Math.max(0, left - STOP_MARGIN_MS / 2), undefined);
      try {
        await inTime(deadline - now(), leave(), `the consumer of ${options.group} did not leave its group in time`);
        if (inHand.count() > 0)
          throw new Error(
            `the consumer of ${options.group} left ${inHand.count()} batch(es) that did not end when aborted`,
          );
      } finally {
        clearTimeout(abort);
        clearTimeout(abandon);
        sockets.killAll();
        await ended;
      }
    },
  };
};
