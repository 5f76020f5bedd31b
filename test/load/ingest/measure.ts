import { topics } from '#catalogue';
import { freePort } from '#local';
import { startChild } from '../child.ts';
import type { Child } from '../child.ts';
import { asFastAsAnswered, atRate, sendLoad } from '../http-load.ts';
import type { LoadReport, Pace } from '../http-load.ts';
import { eventsOf, requestOf } from '../requests.ts';
import type { Report, Stack } from '../stack.ts';
import { median, quantile, rounded, spread } from '../statistics.ts';

export const variants = ['real', 'no-kafka', 'bare'] as const;
/** `real`: the ingest service. `no-kafka`: the same, but records are taken as durable after 1 ms. `bare`: Fastify reads the body and answers 200. */
export type Variant = (typeof variants)[number];

export interface IngestResult {
  /** Durable-acknowledged requests per second as a share of what the variant without Kafka, and bare Fastify, answer. */
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
  /** Of the rounds' ratio_no_kafka: (highest - lowest) / median. */
  readonly spread: number;
  /** Share of time in which the server's event loop was busy, and of one core that the generator took: who was the bottleneck. */
  readonly server_busy: number;
  readonly generator_core: number;
}

export interface IngestRound {
  readonly perSecond: number;
  readonly cpuMicros: number;
  readonly busy: number;
  readonly generatorCore: number;
}

const SECRET = 'bench-secret-of-no-endpoint';
const ROUNDS = 5;
const WARM_UP_SECONDS = 4;
/** Enough that a batch fills within its linger time; 64 measure the latency instead (docs/reference/clients.md). */
const CONNECTIONS = 256;
/** Bodies sent in turn: more than fit into any cache of the server. */
const BODIES = 10_000;

/** Interleaves the variants in short rounds, so that a neighbour's load hits all of them, and compares within each round. */
export const measureIngest = async (stack: Stack, seconds: number, report: Report): Promise<IngestResult> => {
  const prefix = await stack.createTopics(topics);
  const requests = eventsOf('ingest', BODIES).map((event) => requestOf(event, SECRET));
  let number = 0;
  const next = (): Buffer | undefined => requests[number++ % requests.length];
  const servers = new Map<Variant, { readonly child: Child; readonly port: number }>();
  const load = (variant: Variant, pace: Pace, during: number, onEnd?: () => void): Promise<LoadReport> => {
    const { port } = serverOf(servers, variant);
    return sendLoad({
      port,
      connections: CONNECTIONS,
      seconds: during,
      next,
      pace,
      ...(onEnd === undefined ? {} : { onEnd }),
    });
  };

  try {
    for (const variant of variants) {
      const port = await freePort();
      const child = startChild('ingest/server', stack.logs, {
        ...stack.environment,
        DAKIA_TOPIC_PREFIX: prefix,
        DAKIA_WEBHOOK_HOST: '127.0.0.1',
        DAKIA_WEBHOOK_PORT: String(port),
        DAKIA_DRAIN_DELAY_MS: '0',
        RAZORPAY_WEBHOOK_SECRETS: SECRET,
      });
      servers.set(variant, { child, port });
      await child.ask('start', variant);
    }
    for (const variant of variants) await load(variant, asFastAsAnswered, WARM_UP_SECONDS);

    const rounds: Record<Variant, IngestRound>[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const measured: Partial<Record<Variant, IngestRound>> = {};
      // Another one begins each time, so that none always runs in another's wake.
      for (let turn = 0; turn < variants.length; turn++) {
        const variant = variants[(round + turn) % variants.length] as Variant;
        measured[variant] = await measureRound(serverOf(servers, variant).child, (onEnd) =>
          load(variant, asFastAsAnswered, seconds / ROUNDS, onEnd),
        );
      }
      const done = measured as Record<Variant, IngestRound>;
      rounds.push(done);
      report(
        'ingest',
        `round ${round + 1} of ${ROUNDS}: ${variants.map((variant) => `${variant} ${done[variant].perSecond.toFixed(0)}/s, ${done[variant].cpuMicros.toFixed(1)} us`).join(' | ')}`,
      );
    }
    const perSecond = median(rounds.map(({ real }) => real.perSecond));
    report('ingest', `latency at half load, ${(perSecond / 2).toFixed(0)}/s`);
    const half = await load('real', atRate(perSecond / 2), seconds / 2);
    refuseOthers(half);
    return ingestResult(rounds, half);
  } finally {
    await Promise.all([...servers.values()].map(({ child }) => child.stop()));
  }
};

const serverOf = (
  servers: ReadonlyMap<Variant, { readonly child: Child; readonly port: number }>,
  variant: Variant,
): { readonly child: Child; readonly port: number } => {
  const server = servers.get(variant);
  if (server === undefined) throw new Error(`no server for ${variant}`);
  return server;
};

/** CPU covers every request to its answer; the loop's busy share only the time of full load. */
const measureRound = async (child: Child, load: (onEnd: () => void) => Promise<LoadReport>): Promise<IngestRound> => {
  const before = await child.usage();
  const atEnd = Promise.withResolvers<Awaited<ReturnType<Child['usage']>>>();
  const report = await load(() => void child.usage().then(atEnd.resolve, atEnd.reject));
  const during = await atEnd.promise;
  const after = await child.usage();
  refuseOthers(report);
  return {
    perSecond: report.answeredInTime / report.seconds,
    cpuMicros: (after.cpuMicros - before.cpuMicros) / report.answered,
    busy: (during.busyMs - before.busyMs) / (during.loopMs - before.loopMs),
    generatorCore: report.generatorCore,
  };
};

/** Refused requests are cheap: with them a round would measure something else. */
const refuseOthers = ({ others }: LoadReport): void => {
  const names = Object.entries(others).map(([status, count]) => `${count} answers ${status}`);
  if (names.length > 0)
    throw new Error(`ingest answered other than 200: ${names.join(', ')}; the machine is too busy to measure`);
};

/** Medians over the rounds; each ratio is taken within a round. */
export const ingestResult = (
  rounds: readonly Record<Variant, IngestRound>[],
  half: Pick<LoadReport, 'latenciesMs'>,
): IngestResult => {
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
    server_busy: rounded(median(rounds.map(({ real }) => real.busy))),
    generator_core: rounded(
      Math.max(...rounds.flatMap((round) => variants.map((variant) => round[variant].generatorCore))),
    ),
  };
};
