import { topics } from '#catalogue';
import { freePort } from '#local';
import { startChild } from '../child.ts';
import type { Child } from '../child.ts';
import { ingestEnvironment, requestsInTurn } from '../ingest/requests.ts';
import { openBlocks } from '../request-blocks.ts';
import type { Blocks } from '../request-blocks.ts';
import type { Report, Stack } from '../stack.ts';
import { intervalOf, rounded } from '../statistics.ts';
import type { Interval } from '../statistics.ts';
import { startCollector } from './collector.ts';
import { COLLECTOR, PORTS, sides } from './sides.ts';
import type { Side } from './sides.ts';

/** Within which a share lies, with 95 % certainty. Runs that were saved before there were intervals have none. */
export type Bounds = readonly [low: number, high: number];

/**
 * Ingest with traces, as a share of ingest without in the same process and at the same time: by requests per second,
 * and by CPU per request.
 */
export interface TracesResult {
  readonly traced_1: number;
  readonly traced_1_cpu: number;
  readonly traced_1_between?: Bounds;
  readonly traced_100: number;
  readonly traced_100_cpu: number;
  readonly traced_100_between?: Bounds;
  /** Width of traced_1_between as a share of the middle. */
  readonly spread_traced: number;
  /** The same of two ports that trace nothing: what the method finds where there is nothing to find. */
  readonly untraced_between?: Bounds;
  /** CPU of a request without traces, in µs; absent in runs that were saved before it was measured here. */
  readonly untraced_cpu_us?: number;
}

/** What a side is compared with another one by: the sums of one round. */
export interface RoundSum {
  readonly seconds: number;
  readonly cpuMicros: number;
}
/** `side` in one round, and the port without traces beside it. */
export interface Round {
  readonly side: RoundSum;
  readonly untraced: RoundSum;
}
export type Compared = Exclude<Side, 'untraced'>;

/**
 * A block is short enough that what disturbs the machine, or the state of heap and compiler, is the same for its
 * neighbours, and long enough that the one question for its CPU is nothing in it.
 */
const BLOCK_REQUESTS = 500;
const CONNECTIONS = 64;
const WARM_UP_BLOCKS = 24;
/** Rounds per second that the bench gives a part. Most are for what is smallest. */
const ROUNDS_PER_SECOND: Readonly<Record<Compared, number>> = { again: 8, 'traced-1': 20, 'traced-100': 3 };
/** A round's blocks: each side is as often before the other as after it. */
const ORDERS = [
  [true, false, false, true],
  [false, true, true, false],
] as const;

export const measureTraces = async (stack: Stack, seconds: number, report: Report): Promise<TracesResult> => {
  const collector = await startCollector();
  const ports = Object.fromEntries(await Promise.all(sides.map(async (side) => [side, await freePort()]))) as Record<
    Side,
    number
  >;
  const child = startChild('traces/server', stack.logs, {
    ...ingestEnvironment(stack, await stack.createTopics(topics)),
    [PORTS]: JSON.stringify(ports),
    [COLLECTOR]: collector.url,
  });
  try {
    await child.ask('start');
    const next = requestsInTurn();
    const compare = async (side: Compared): Promise<readonly Round[]> => {
      const both = [
        await openBlocks(ports[side], CONNECTIONS, next),
        await openBlocks(ports.untraced, CONNECTIONS, next),
      ];
      try {
        return await roundsOf(child, side, both as [Blocks, Blocks], Math.ceil(seconds * ROUNDS_PER_SECOND[side]));
      } finally {
        for (const blocks of both) blocks.close();
      }
    };
    const rounds = { again: await compare('again'), 'traced-1': await compare('traced-1') };
    const result = tracesResult({ ...rounds, 'traced-100': await compare('traced-100') });
    report('traces', `share of the CPU without them: of 1 % ${result.traced_1_cpu}, ${tracesText(result)}`);
    return result;
  } finally {
    await child.stop();
    await collector.stop();
  }
};

const roundsOf = async (
  child: Child,
  side: Compared,
  [traced, untraced]: readonly [Blocks, Blocks],
  count: number,
): Promise<readonly Round[]> => {
  for (let block = 0; block < WARM_UP_BLOCKS; block++) await (block % 2 === 0 ? traced : untraced).send(BLOCK_REQUESTS);
  const rounds: Round[] = [];
  for (let round = 0; round < count; round++) {
    const sums = { side: { seconds: 0, cpuMicros: 0 }, untraced: { seconds: 0, cpuMicros: 0 } };
    const add = async (of: 'side' | 'untraced', work: () => Promise<number>): Promise<void> => {
      const before = await child.usage();
      sums[of].seconds += await work();
      sums[of].cpuMicros += (await child.usage()).cpuMicros - before.cpuMicros;
    };
    for (const isSide of ORDERS[round % ORDERS.length] ?? ORDERS[0])
      await add(isSide ? 'side' : 'untraced', () => (isSide ? traced : untraced).send(BLOCK_REQUESTS));
    // Spans wait for a second, which may be the other's: whoever made them pays for sending them. Both are asked.
    const flushed = async (name: Side): Promise<number> => {
      await child.ask('flush', name);
      return 0;
    };
    await add('side', () => flushed(side));
    await add('untraced', () => flushed('untraced'));
    rounds.push(sums);
  }
  return rounds;
};

/** The mean of the rounds' ratios. */
export const tracesResult = (rounds: Readonly<Record<Compared, readonly Round[]>>): TracesResult => {
  const rate = (name: Compared): number =>
    intervalOf(rounds[name].map(({ side, untraced }) => untraced.seconds / side.seconds)).middle;
  const cpu = (name: Compared): Interval =>
    intervalOf(rounds[name].map(({ side, untraced }) => untraced.cpuMicros / side.cpuMicros));
  const [one, all] = [cpu('traced-1'), cpu('traced-100')];
  const untracedMicros = rounds['traced-1'].reduce((sum, { untraced }) => sum + untraced.cpuMicros, 0);
  return {
    traced_1: rounded(rate('traced-1')),
    traced_1_cpu: rounded(one.middle),
    traced_1_between: boundsOf(one),
    traced_100: rounded(rate('traced-100')),
    traced_100_cpu: rounded(all.middle),
    traced_100_between: boundsOf(all),
    spread_traced: rounded((one.high - one.low) / one.middle),
    untraced_between: boundsOf(cpu('again')),
    untraced_cpu_us: rounded(untracedMicros / (rounds['traced-1'].length * 2 * BLOCK_REQUESTS)),
  };
};

const boundsOf = ({ low, high }: Interval): Bounds => [rounded(low), rounded(high)];
const boundsText = (bounds: Bounds | undefined): string =>
  bounds === undefined ? '' : ` (95 %: ${bounds[0]} to ${bounds[1]})`;

/** What is beside the share of 1 %. */
export const tracesText = (result: TracesResult): string =>
  [
    ...(result.traced_1_between === undefined ? [] : [`95 %: ${result.traced_1_between.join(' to ')}`]),
    `by req/s ${result.traced_1}`,
    `with all traced ${result.traced_100_cpu}${boundsText(result.traced_100_between)}, by req/s ${result.traced_100}`,
    ...(result.untraced_between === undefined ? [] : [`where nothing is traced${boundsText(result.untraced_between)}`]),
    ...(result.untraced_cpu_us === undefined ? [] : [`${result.untraced_cpu_us} us of CPU without traces`]),
  ].join('; ');
