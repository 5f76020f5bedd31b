import type { Report } from '../stack.ts';
import { median, rounded, spread } from '../statistics.ts';
import type { TracedName } from './collector.ts';
import { turned } from './few-connections.ts';
import { FULL_LOAD_CONNECTIONS } from './servers.ts';
import type { IngestServers } from './servers.ts';

/**
 * Ingest with traces, as a share of ingest without in the same round: by requests per second, and by CPU per request.
 */
export interface TracedResult {
  readonly traced_1: number;
  readonly traced_1_cpu: number;
  readonly traced_100: number;
  readonly traced_100_cpu: number;
  /** Of the rounds' traced_1_cpu. */
  readonly spread_traced: number;
}

const names = ['real', 'traced-1', 'traced-100'] as const;
const ROUNDS = 5;

interface TracedRound {
  readonly perSecond: number;
  readonly cpuMicros: number;
}

export const measureTraced = async (servers: IngestServers, seconds: number, report: Report): Promise<TracedResult> => {
  const rounds: Record<(typeof names)[number], TracedRound>[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const measured: Partial<Record<(typeof names)[number], TracedRound>> = {};
    for (const name of turned(names, round)) {
      const before = await servers.child(name).usage();
      const {
        answered,
        answeredInTime,
        seconds: took,
      } = await servers.load(name, {
        connections: FULL_LOAD_CONNECTIONS,
        seconds: seconds / ROUNDS,
      });
      const after = await servers.child(name).usage();
      measured[name] = {
        perSecond: answeredInTime / took,
        cpuMicros: (after.cpuMicros - before.cpuMicros) / answered,
      };
    }
    rounds.push(measured as Record<(typeof names)[number], TracedRound>);
  }
  const rate = (name: TracedName) => rounds.map((round) => round[name].perSecond / round.real.perSecond);
  const cpu = (name: TracedName) => rounds.map((round) => round.real.cpuMicros / round[name].cpuMicros);
  const result = {
    traced_1: rounded(median(rate('traced-1'))),
    traced_1_cpu: rounded(median(cpu('traced-1'))),
    traced_100: rounded(median(rate('traced-100'))),
    traced_100_cpu: rounded(median(cpu('traced-100'))),
    spread_traced: rounded(spread(cpu('traced-1'))),
  };
  report('ingest', `traces: of 1 % ${result.traced_1_cpu}, of all ${result.traced_100_cpu} of ingest without, by CPU`);
  return result;
};
