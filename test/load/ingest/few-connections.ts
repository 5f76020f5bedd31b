import { atRate } from '../http-load.ts';
import type { Report } from '../stack.ts';
import { median, quantile, rounded, spread } from '../statistics.ts';
import type { IngestServers } from './servers.ts';

/** Requests per second under a number of connections; a sender of webhooks often has few. */
export interface ConnectionsResult {
  readonly connections: number;
  readonly req_per_s: number;
  /** As a share of the other commit in the same round; absent without `--against`. */
  readonly ratio_other?: number;
  readonly spread?: number;
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
): Promise<FewConnectionsResult> => {
  const sides: readonly Side[] = hasOther ? ['real', 'other'] : ['real'];
  const byConnections: ConnectionsResult[] = [];
  for (const connections of CONNECTIONS) {
    const rounds: Record<Side, number>[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const rates: Record<Side, number> = { real: 0, other: 0 };
      for (const side of turned(sides, round)) {
        const { answeredInTime, seconds: took } = await servers.load(side, { connections, seconds: seconds / ROUNDS });
        rates[side] = answeredInTime / took;
      }
      rounds.push(rates);
    }
    const result = connectionsResult(connections, rounds, hasOther);
    report(
      'ingest',
      `${connections} connections: ${result.req_per_s}/s${hasOther ? `, ${result.ratio_other} of the other` : ''}`,
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

/** Another one begins each round, so that none always runs in another's wake. */
export const turned = <Item>(items: readonly Item[], round: number): readonly Item[] =>
  items.map((_, turn) => items[(round + turn) % items.length] as Item);

/** Medians over the rounds; the ratio is taken within a round. */
export const connectionsResult = (
  connections: number,
  rounds: readonly Record<Side, number>[],
  hasOther: boolean,
): ConnectionsResult => {
  const ratios = rounds.map(({ real, other }) => real / other);
  return {
    connections,
    req_per_s: rounded(median(rounds.map(({ real }) => real))),
    ...(hasOther && { ratio_other: rounded(median(ratios)), spread: rounded(spread(ratios)) }),
  };
};
