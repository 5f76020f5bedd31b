import type { Report } from '../stack.ts';
import { intervalOf, median, rounded } from '../statistics.ts';
import type { Interval } from '../statistics.ts';
import { turned } from './few-connections.ts';
import { FULL_LOAD_CONNECTIONS } from './servers.ts';
import type { IngestServers } from './servers.ts';

/** Within which a share lies, with 95 % certainty. Runs that were saved before there were intervals have none. */
type Bounds = readonly [low: number, high: number];

/**
 * Ingest with traces, as a share of ingest without in the same round: by requests per second, and by CPU per request.
 */
export interface TracedResult {
  readonly traced_1: number;
  readonly traced_1_cpu: number;
  readonly traced_1_between?: Bounds;
  readonly traced_100: number;
  readonly traced_100_cpu: number;
  readonly traced_100_between?: Bounds;
  /** Width of traced_1_between as a share of the middle. */
  readonly spread_traced: number;
  /** A second process without traces beside the first: how far two processes of the same code lie apart. */
  readonly untraced_between?: Bounds;
}

const names = ['real', 'untraced', 'traced-1', 'traced-100'] as const;
type Name = (typeof names)[number];
/** Many short slices, in turn: what disturbs the machine disturbs neighbours alike, and the mean of pairs settles. */
const ROUNDS = 24;
/** Of the part's time; this part has four processes and has to tell 1 % apart. */
const TIMES = 3;

interface TracedRound {
  readonly perSecond: number;
  readonly cpuMicros: number;
}

export const measureTraced = async (servers: IngestServers, seconds: number, report: Report): Promise<TracedResult> => {
  const rounds: Record<Name, TracedRound>[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const measured: Partial<Record<Name, TracedRound>> = {};
    for (const name of turned(names, round)) measured[name] = await slice(servers, name, (seconds * TIMES) / ROUNDS);
    rounds.push(measured as Record<Name, TracedRound>);
  }
  // Of two processes without traces the mean: each has its own luck with memory and compiled code.
  const untraced = ({ real, untraced: other }: Record<Name, TracedRound>, of: keyof TracedRound): number =>
    Math.sqrt(real[of] * other[of]);
  const rate = (name: Name): number =>
    median(rounds.map((round) => round[name].perSecond / untraced(round, 'perSecond')));
  const cpu = (name: Name): Interval =>
    intervalOf(rounds.map((round) => untraced(round, 'cpuMicros') / round[name].cpuMicros));
  const [one, all] = [cpu('traced-1'), cpu('traced-100')];
  const result = {
    traced_1: rounded(rate('traced-1')),
    traced_1_cpu: rounded(one.middle),
    traced_1_between: boundsOf(one),
    traced_100: rounded(rate('traced-100')),
    traced_100_cpu: rounded(all.middle),
    traced_100_between: boundsOf(all),
    spread_traced: rounded((one.high - one.low) / one.middle),
    untraced_between: boundsOf(intervalOf(rounds.map((round) => round.real.cpuMicros / round.untraced.cpuMicros))),
  };
  report('ingest', `traces, share of the CPU without them: of 1 % ${result.traced_1_cpu}, ${tracedText(result)}`);
  return result;
};

const boundsOf = ({ low, high }: Interval): Bounds => [rounded(low), rounded(high)];
const boundsText = (bounds: Bounds | undefined): string =>
  bounds === undefined ? '' : ` (95 %: ${bounds[0]} to ${bounds[1]})`;

/** What is beside the share of 1 %. */
export const tracedText = (result: TracedResult): string =>
  `by req/s ${result.traced_1}${boundsText(result.traced_1_between)}; with all traced ${result.traced_100_cpu}${boundsText(result.traced_100_between)}, by req/s ${result.traced_100}${result.untraced_between === undefined ? '' : `; two processes without${boundsText(result.untraced_between)}`}`;

const slice = async (servers: IngestServers, name: Name, seconds: number): Promise<TracedRound> => {
  const before = await servers.child(name).usage();
  const load = await servers.load(name, { connections: FULL_LOAD_CONNECTIONS, seconds });
  const after = await servers.child(name).usage();
  return {
    perSecond: load.answeredInTime / load.seconds,
    cpuMicros: (after.cpuMicros - before.cpuMicros) / load.answered,
  };
};
