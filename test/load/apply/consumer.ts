/**
 * The payments service's consumer as a process of its own, for run after run, so that it is as warm as in production.
 */
import promClient from 'prom-client';
import { applyBatches, createPositions, createStoreMetrics, DEFAULT_RETRY_DELAYS_MS } from '#apply';
import { topicsOf } from '#catalogue';
import { aggregatesOf } from '#families';
import { kafkaSettings, processEnvironment, readConfig } from '#platform/config';
import { createConsumer } from '#kafka';
import { createLogger } from '#platform/log';
import { createDatabase, roleOf } from '#platform/postgres';
import { now } from '#platform/time';
import { instant } from '#rules';
import { answerParent } from '../answer-parent.ts';

export interface ApplyRun {
  readonly prefix: string;
  readonly databaseUrl: string;
  /** Events in the topics; the run is over when all are applied. */
  readonly count: number;
  readonly connections: number;
}

/** Records that were applied in one transaction. */
export interface AppliedBatch {
  readonly topic: string;
  readonly partition: number;
  readonly firstOffset: number;
  readonly nextOffset: number;
}

export interface ApplyOutcome {
  /** From the first look at the ledger to the last commit. */
  readonly seconds: number;
  readonly cpuMicros: number;
  readonly batches: readonly AppliedBatch[];
}

const GROUP = 'payments';
const STOP_WITHIN_MS = 15_000;

/** Composed as libs/parking does it; the two functions are only wrapped to see the first and the last call. */
const applyAll = async ({ prefix, databaseUrl, count, connections }: ApplyRun): Promise<ApplyOutcome> => {
  const config = readConfig(kafkaSettings, { ...processEnvironment(), DAKIA_TOPIC_PREFIX: prefix });
  if (!config.ok) throw new Error(config.issues.join('; '));
  const log = createLogger('bench', 'warn');
  const metrics = new promClient.Registry();
  const database = createDatabase({
    url: databaseUrl,
    poolSize: connections,
    applicationName: 'dakia-bench',
    role: roleOf(GROUP),
    log,
  });
  const apply = applyBatches({
    group: GROUP,
    aggregates: aggregatesOf('payments'),
    database,
    connections,
    clock: now,
    log,
    metrics: createStoreMetrics(metrics),
    policy: { delaysMs: DEFAULT_RETRY_DELAYS_MS },
  });
  const positions = createPositions(database, GROUP);
  const batches: AppliedBatch[] = [];
  const finished = Promise.withResolvers<void>();
  let [begin, end, applied, cpu] = [0, 0, 0, process.cpuUsage()];

  const consumer = createConsumer({
    config: config.value,
    group: GROUP,
    topics: topicsOf(GROUP),
    handler: async (batch, signal) => {
      const outcome = await apply(batch, signal);
      if (outcome === 'applied') {
        const { topic, partition, firstOffset, nextOffset, records } = batch;
        batches.push({ topic, partition, firstOffset: Number(firstOffset), nextOffset: Number(nextOffset) });
        applied += records.length;
        if (applied === count) {
          end = performance.now();
          cpu = process.cpuUsage(cpu);
          finished.resolve();
        }
      }
      return outcome;
    },
    positions: {
      ...positions,
      positionOf: (topic, partition, partitionLog) => {
        if (begin === 0) [begin, cpu] = [performance.now(), process.cpuUsage()];
        return positions.positionOf(topic, partition, partitionLog);
      },
    },
    log,
    metrics,
    fail: finished.reject,
  });
  try {
    await consumer.start();
    await finished.promise;
  } finally {
    await consumer.stop(instant(now() + STOP_WITHIN_MS));
    await database.close();
  }
  return { seconds: (end - begin) / 1000, cpuMicros: cpu.user + cpu.system, batches };
};

answerParent({ apply: (run) => applyAll(run as ApplyRun), stop: () => undefined });
