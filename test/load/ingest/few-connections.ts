import { atRate } from '../http-load.ts';
import { cpuOfTree } from '../process-usage.ts';
import type { Report } from '../stack.ts';
import { median, quantile, rounded, spread } from '../statistics.ts';
import type { IngestServers, LoadOf } from './servers.ts';

/** Requests per second under a number of connections; a sender of webhooks often has few. */
export interface ConnectionsResult {
  readonly connections: number;
  readonly req_per_s: number;
  /** As a share of the other commit in the same round; absent without `--against`. */
  readonly ratio_other?: number;
  readonly spread?: number;
  /** CPU per request, in µs: of the ingest process, of Kafka, and of the load generator. */
  readonly cpu_us?: CpuPerRequest;
  readonly cpu_us_other?: CpuPerRequest;
}

/** `kafka` is absent where Kafka was not started by the bench. */
export interface CpuPerRequest {
  readonly ingest: number;
  readonly kafka?: number;
  readonly client: number;
}

/** One side in one round. */
interface ConnectionsRound {
  readonly perSecond: number;
  readonly cpu: CpuPerRequest;
}

export interface FewConnectionsResult {
  readonly by_connections: readonly ConnectionsResult[];
  /** Time to the answer at LIGHT_PER_SECOND, in ms: nothing else is under way then. */
  readonly light_p50_ms: number;
  readonly light_p99_ms: number;
  readonly light_p50_ms_other?: number;
  /** The same without Kafka, which then takes ACKNOWLEDGED_AFTER_MS: the rest of the time is Kafka's. */
  readonly light_p50_ms_no_kafka: number;
}

const CONNECTIONS = [8, 32, 128] as const;
const ROUNDS = 5;
export const LIGHT_PER_SECOND = 300;
const LIGHT_CONNECTIONS = 64;

type Side = 'real' | 'other';

export const measureFewConnections = async (
  servers: IngestServers,
  seconds: number,
  report: Report,
  hasOther: boolean,
  kafkaPid: number | undefined,
): Promise<FewConnectionsResult> => {
  const sides: readonly Side[] = hasOther ? ['real', 'other'] : ['real'];
  const byConnections: ConnectionsResult[] = [];
  for (const connections of CONNECTIONS) {
    const rounds: Partial<Record<Side, ConnectionsRound>>[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const measured: Partial<Record<Side, ConnectionsRound>> = {};
      for (const side of turned(sides, round))
        measured[side] = await measureSide(servers, side, { connections, seconds: seconds / ROUNDS }, kafkaPid);
      rounds.push(measured);
    }
    const result = connectionsResult(connections, rounds);
    report(
      'ingest',
      `${connections} connections: ${result.req_per_s}/s${hasOther ? `, ${result.ratio_other} of the other` : ''}; us of CPU: ${JSON.stringify(result.cpu_us)}`,
    );
    byConnections.push(result);
  }
  const light: Partial<Record<Side | 'no-kafka', readonly number[]>> = {};
  for (const side of [...sides, 'no-kafka'] as const) {
    const pace = atRate(LIGHT_PER_SECOND);
    light[side] = (
      await servers.load(side, { connections: LIGHT_CONNECTIONS, seconds: seconds / 2, pace })
    ).latenciesMs;
  }
  return {
    by_connections: byConnections,
    light_p50_ms: rounded(quantile(light.real ?? [], 0.5)),
    light_p99_ms: rounded(quantile(light.real ?? [], 0.99)),
    light_p50_ms_no_kafka: rounded(quantile(light['no-kafka'] ?? [], 0.5)),
    ...(light.other && { light_p50_ms_other: rounded(quantile(light.other, 0.5)) }),
  };
};

const measureSide = async (
  servers: IngestServers,
  side: Side,
  options: LoadOf,
  kafkaPid: number | undefined,
): Promise<ConnectionsRound> => {
  const kafkaCpu = (): number => (kafkaPid === undefined ? 0 : cpuOfTree(kafkaPid));
  const [kafkaBefore, before] = [kafkaCpu(), await servers.child(side).usage()];
  const { answered, answeredInTime, seconds, generatorCore } = await servers.load(side, options);
  const after = await servers.child(side).usage();
  return {
    perSecond: answeredInTime / seconds,
    cpu: {
      ingest: (after.cpuMicros - before.cpuMicros) / answered,
      ...(kafkaPid !== undefined && { kafka: (kafkaCpu() - kafkaBefore) / answered }),
      client: (generatorCore * seconds * 1e6) / answeredInTime,
    },
  };
};

/** Another one begins each round, so that none always runs in another's wake. */
export const turned = <Item>(items: readonly Item[], round: number): readonly Item[] =>
  items.map((_, turn) => items[(round + turn) % items.length] as Item);

/** Medians over the rounds; the ratio is taken within a round. */
export const connectionsResult = (
  connections: number,
  rounds: readonly Partial<Record<Side, ConnectionsRound>>[],
): ConnectionsResult => {
  const of = (side: Side): readonly ConnectionsRound[] => rounds.flatMap((round) => round[side] ?? []);
  const ratios = rounds.flatMap(({ real, other }) =>
    real === undefined || other === undefined ? [] : [real.perSecond / other.perSecond],
  );
  return {
    connections,
    req_per_s: rounded(median(of('real').map(({ perSecond }) => perSecond))),
    cpu_us: cpuOf(of('real')),
    ...(ratios.length > 0 && {
      ratio_other: rounded(median(ratios)),
      spread: rounded(spread(ratios)),
      cpu_us_other: cpuOf(of('other')),
    }),
  };
};

const cpuOf = (rounds: readonly ConnectionsRound[]): CpuPerRequest => {
  const mid = (value: (cpu: CpuPerRequest) => number): number => rounded(median(rounds.map(({ cpu }) => value(cpu))));
  const hasKafka = rounds.every(({ cpu }) => cpu.kafka !== undefined);
  return {
    ingest: mid(({ ingest }) => ingest),
    ...(hasKafka && { kafka: mid(({ kafka }) => kafka ?? 0) }),
    client: mid(({ client }) => client),
  };
};
