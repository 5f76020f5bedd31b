import { setTimeout as delay } from 'node:timers/promises';
import type { Report } from '../stack.ts';
import { intervalOf, median, rounded } from '../statistics.ts';
import type { Interval } from '../statistics.ts';
import type { PairName } from './collector.ts';
import { FULL_LOAD_CONNECTIONS } from './servers.ts';
import type { IngestServers } from './servers.ts';

/** Within which a share lies, with 95 % certainty. Runs that were saved before there were intervals have none. */
export type Bounds = readonly [low: number, high: number];

/**
 * Ingest with traces, as a share of ingest without in the same process and round: by requests per second, and by CPU
 * per request.
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
  /** The same of a pair that traces on neither side: what the method finds where there is nothing to find. */
  readonly untraced_between?: Bounds;
}

/** Of one pair in one round. */
export interface PairRound {
  readonly traced: Slice;
  readonly untraced: Slice;
}
interface Slice {
  readonly perSecond: number;
  readonly cpuMicros: number;
}

/**
 * Many short slices, in turn: what disturbs the machine disturbs neighbours alike, and the mean of pairs settles. Most
 * are for what is smallest.
 */
const ROUNDS: Readonly<Record<PairName, number>> = { none: 16, 'traced-1': 40, 'traced-100': 12 };
/** Of one slice, as a share of the part's time. */
const SLICE = 1 / 8;
/** Spans are sent up to a second after they ended; each side pays for its own. */
const SENT_WITHIN_MS = 1_500;

export const measureTraced = async (servers: IngestServers, seconds: number, report: Report): Promise<TracedResult> => {
  const measure = async (name: PairName): Promise<readonly PairRound[]> => {
    const rounds: PairRound[] = [];
    for (let round = 0; round < ROUNDS[name]; round++) {
      // Each goes first as often as the other.
      const first = round % 2 === 0 ? name : (`${name} beside` as const);
      const one = await slice(servers, first, seconds * SLICE);
      const other = await slice(servers, first === name ? `${name} beside` : name, seconds * SLICE);
      rounds.push(first === name ? { traced: one, untraced: other } : { traced: other, untraced: one });
    }
    return rounds;
  };
  const result = tracedResult({
    none: await measure('none'),
    'traced-1': await measure('traced-1'),
    'traced-100': await measure('traced-100'),
  });
  report('ingest', `traces, share of the CPU without them: of 1 % ${result.traced_1_cpu}, ${tracedText(result)}`);
  return result;
};

/** The mean of the pairs; a pair is measured within a few seconds, in one process. */
export const tracedResult = (rounds: Readonly<Record<PairName, readonly PairRound[]>>): TracedResult => {
  const rate = (name: PairName): number =>
    median(rounds[name].map(({ traced, untraced }) => traced.perSecond / untraced.perSecond));
  const cpu = (name: PairName): Interval =>
    intervalOf(rounds[name].map(({ traced, untraced }) => untraced.cpuMicros / traced.cpuMicros));
  const [one, all] = [cpu('traced-1'), cpu('traced-100')];
  return {
    traced_1: rounded(rate('traced-1')),
    traced_1_cpu: rounded(one.middle),
    traced_1_between: boundsOf(one),
    traced_100: rounded(rate('traced-100')),
    traced_100_cpu: rounded(all.middle),
    traced_100_between: boundsOf(all),
    spread_traced: rounded((one.high - one.low) / one.middle),
    untraced_between: boundsOf(cpu('none')),
  };
};

const boundsOf = ({ low, high }: Interval): Bounds => [rounded(low), rounded(high)];
const boundsText = (bounds: Bounds | undefined): string =>
  bounds === undefined ? '' : ` (95 %: ${bounds[0]} to ${bounds[1]})`;

/** What is beside the share of 1 %. */
export const tracedText = (result: TracedResult): string =>
  `by req/s ${result.traced_1}${boundsText(result.traced_1_between)}; with all traced ${result.traced_100_cpu}${boundsText(result.traced_100_between)}, by req/s ${result.traced_100}${result.untraced_between === undefined ? '' : `; where nothing is traced${boundsText(result.untraced_between)}`}`;

const slice = async (
  servers: IngestServers,
  name: PairName | `${PairName} beside`,
  seconds: number,
): Promise<Slice> => {
  const before = await servers.child(name).usage();
  const load = await servers.load(name, { connections: FULL_LOAD_CONNECTIONS, seconds });
  await delay(SENT_WITHIN_MS);
  const after = await servers.child(name).usage();
  return {
    perSecond: load.answeredInTime / load.seconds,
    cpuMicros: (after.cpuMicros - before.cpuMicros) / load.answered,
  };
};
