import type { Child } from '../child.ts';
import { atRate } from '../http-load.ts';
import type { LoadReport } from '../http-load.ts';
import type { OtherTree } from '../other-tree.ts';
import type { Report, Stack } from '../stack.ts';
import { median, quantile, rounded, spread } from '../statistics.ts';
import type { TracesResult } from '../traces/measure.ts';
import { measureFewConnections, turned } from './few-connections.ts';
import type { FewConnectionsResult } from './few-connections.ts';
import { FULL_LOAD_CONNECTIONS, startIngestServers, variants } from './servers.ts';
import type { Variant } from './servers.ts';

export interface FullLoadResult {
  /**
   * Durable-acknowledged requests per second as a share of what the variant without Kafka, and bare Fastify, answer.
   */
  readonly ratio_no_kafka: number;
  readonly ratio_bare: number;
  /** The same comparison by CPU per request of the server's process. */
  readonly ratio_no_kafka_cpu: number;
  readonly ratio_bare_cpu: number;
  /** CPU of the ingest process per event at full load, all threads, in µs. */
  readonly cpu_us: number;
  /** Time to the answer at half of the full load, in ms. */
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly req_per_s: number;
  /** Of the rounds' ratio_no_kafka_cpu, and of ratio_no_kafka: (highest - lowest) / median. */
  readonly spread_cpu: number;
  readonly spread: number;
  /**
   * Share of time in which the server's event loop was busy, and of
   * one core that the generator took: who was the bottleneck.
   */
  readonly server_busy: number;
  readonly generator_core: number;
}

/** Runs that were saved before traces were a part of their own have those here. */
export type IngestResult = FullLoadResult & FewConnectionsResult & Partial<TracesResult>;

export interface IngestRound {
  readonly perSecond: number;
  readonly cpuMicros: number;
  readonly busy: number;
  readonly generatorCore: number;
}

const ROUNDS = 5;

/**
 * Interleaves the variants in short rounds, so that a neighbour's
 * load hits all of them, and compares within each round.
 */
export const measureIngest = async (
  stack: Stack,
  seconds: number,
  report: Report,
  other?: OtherTree,
): Promise<IngestResult> => {
  const servers = await startIngestServers(stack, other);
  try {
    const connections = FULL_LOAD_CONNECTIONS;
    const rounds: Record<Variant, IngestRound>[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const measured: Partial<Record<Variant, IngestRound>> = {};
      for (const variant of turned(variants, round)) {
        measured[variant] = await measureRound(servers.child(variant), (onEnd) =>
          servers.load(variant, { connections, seconds: seconds / ROUNDS, onEnd }),
        );
      }
      const done = measured as Record<Variant, IngestRound>;
      rounds.push(done);
      const rates = variants.map((variant) => {
        const { perSecond, cpuMicros } = done[variant];
        return `${variant} ${perSecond.toFixed(0)}/s, ${cpuMicros.toFixed(1)} us`;
      });
      report('ingest', `round ${round + 1} of ${ROUNDS}: ${rates.join(' | ')}`);
    }
    const perSecond = median(rounds.map(({ real }) => real.perSecond));
    report('ingest', `latency at half load, ${(perSecond / 2).toFixed(0)}/s`);
    const half = await servers.load('real', { connections, seconds: seconds / 2, pace: atRate(perSecond / 2) });
    return {
      ...ingestResult(rounds, half),
      ...(await measureFewConnections(servers, seconds, report, other !== undefined, stack.serverPids().kafka)),
    };
  } finally {
    await servers.stop();
  }
};

/** CPU covers every request to its answer; the loop's busy share only the time of full load. */
const measureRound = async (child: Child, load: (onEnd: () => void) => Promise<LoadReport>): Promise<IngestRound> => {
  const before = await child.usage();
  const atEnd = Promise.withResolvers<Awaited<ReturnType<Child['usage']>>>();
  const report = await load(() => void child.usage().then(atEnd.resolve, atEnd.reject));
  const during = await atEnd.promise;
  const after = await child.usage();
  return {
    perSecond: report.answeredInTime / report.seconds,
    cpuMicros: (after.cpuMicros - before.cpuMicros) / report.answered,
    busy: (during.busyMs - before.busyMs) / (during.loopMs - before.loopMs),
    generatorCore: report.generatorCore,
  };
};

/** Medians over the rounds; each ratio is taken within a round. */
export const ingestResult = (
  rounds: readonly Record<Variant, IngestRound>[],
  half: Pick<LoadReport, 'latenciesMs'>,
): FullLoadResult => {
  const ratios = (against: Variant) => rounds.map((round) => round.real.perSecond / round[against].perSecond);
  const cpuRatios = (against: Variant) => rounds.map((round) => round[against].cpuMicros / round.real.cpuMicros);
  return {
    ratio_no_kafka: rounded(median(ratios('no-kafka'))),
    ratio_bare: rounded(median(ratios('bare'))),
    ratio_no_kafka_cpu: rounded(median(cpuRatios('no-kafka'))),
    ratio_bare_cpu: rounded(median(cpuRatios('bare'))),
    cpu_us: rounded(median(rounds.map(({ real }) => real.cpuMicros))),
    p50_ms: rounded(quantile(half.latenciesMs, 0.5)),
    p99_ms: rounded(quantile(half.latenciesMs, 0.99)),
    req_per_s: rounded(median(rounds.map(({ real }) => real.perSecond))),
    spread: rounded(spread(ratios('no-kafka'))),
    spread_cpu: rounded(spread(cpuRatios('no-kafka'))),
    server_busy: rounded(median(rounds.map(({ real }) => real.busy))),
    generator_core: rounded(
      Math.max(...rounds.flatMap((round) => variants.map((variant) => round[variant].generatorCore))),
    ),
  };
};
