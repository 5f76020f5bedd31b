import { topics } from '#catalogue';
import { freePort } from '#local';
import { startChild } from '../child.ts';
import type { Child } from '../child.ts';
import { ingestEnvironment, requestsInTurn } from '../ingest/requests.ts';
import { openBlocks } from '../request-blocks.ts';
import type { Blocks } from '../request-blocks.ts';
import type { Report, Stack } from '../stack.ts';
import { rounded, trimmedIntervalOf } from '../statistics.ts';
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
  /** CPU of sending the spans of 1 %, in µs per request; a part of what traced_1_cpu says. */
  readonly sending_1_us?: number;
}

/** What a side is compared with another one by: the sums of one round. */
export interface RoundSum {
  readonly seconds: number;
  /** Of the requests, and of sending their spans. */
  readonly cpuMicros: number;
  readonly sendingMicros: number;
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
    const nothing = { seconds: 0, cpuMicros: 0, sendingMicros: 0 };
    const sums = { side: { ...nothing }, untraced: { ...nothing } };
    const cpuOf = async (work: () => Promise<void>): Promise<number> => {
      const before = await child.usage();
      await work();
      return (await child.usage()).cpuMicros - before.cpuMicros;
    };
    for (const isSide of ORDERS[round % ORDERS.length] ?? ORDERS[0]) {
      const sum = isSide ? sums.side : sums.untraced;
      sum.cpuMicros += await cpuOf(
        async () => void (sum.seconds += await (isSide ? traced : untraced).send(BLOCK_REQUESTS)),
      );
    }
    // Spans wait for a second, which may be the other's: whoever made them pays for sending them. Both are asked.
    for (const [name, sum] of [
      [side, sums.side],
      ['untraced', sums.untraced],
    ] as const) {
      sum.sendingMicros = await cpuOf(() => child.ask('flush', name));
      sum.cpuMicros += sum.sendingMicros;
    }
    rounds.push(sums);
  }
  return rounds;
};

/** The mean of the rounds' ratios, but for those that lie furthest out on either side. */
export const tracesResult = (rounds: Readonly<Record<Compared, readonly Round[]>>): TracesResult => {
  const rate = (name: Compared): number =>
    trimmedIntervalOf(rounds[name].map(({ side, untraced }) => untraced.seconds / side.seconds)).middle;
  const cpu = (name: Compared): Interval =>
    trimmedIntervalOf(rounds[name].map(({ side, untraced }) => untraced.cpuMicros / side.cpuMicros));
  const [one, all] = [cpu('traced-1'), cpu('traced-100')];
  const perRequest = (of: (round: Round) => number): number =>
    rounded(
      rounds['traced-1'].reduce((sum, round) => sum + of(round), 0) / (rounds['traced-1'].length * 2 * BLOCK_REQUESTS),
    );
  return {
    traced_1: rounded(rate('traced-1')),
    traced_1_cpu: rounded(one.middle),
    traced_1_between: boundsOf(one),
    traced_100: rounded(rate('traced-100')),
    traced_100_cpu: rounded(all.middle),
    traced_100_between: boundsOf(all),
    spread_traced: rounded((one.high - one.low) / one.middle),
    untraced_between: boundsOf(cpu('again')),
    untraced_cpu_us: perRequest(({ untraced }) => untraced.cpuMicros),
    sending_1_us: perRequest(({ side, untraced }) => side.sendingMicros - untraced.sendingMicros),
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
    ...(result.untraced_cpu_us === undefined
      ? []
      : [
          `${result.untraced_cpu_us} us of CPU without traces, ${result.sending_1_us ?? '?'} us of sending those of 1 %`,
        ]),
  ].join('; ');
