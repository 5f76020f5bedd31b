import { setTimeout as delay } from 'node:timers/promises';
import { atRate } from '../http-load.ts';
import { turned } from '../ingest/few-connections.ts';
import type { OtherTree } from '../other-tree.ts';
import type { Report, Stack } from '../stack.ts';
import { median, rounded, spread } from '../statistics.ts';
import { warmUp } from '../warm-up.ts';
import { startSystem } from './system.ts';
import type { MeasuredSystem, SystemLoad } from './system.ts';

/** One load, at full speed or at a fixed rate: medians over the rounds. */
export interface LoadResult {
  /** Events per second from HTTP to Postgres. */
  readonly events_per_s: number;
  /** CPU of all processes per event, in µs: services, Kafka, Postgres and Redis; and each alone. */
  readonly cpu_us: number;
  readonly cpu_us_by_process: Readonly<Record<string, number>>;
  /**
   * `cpu_us` as a share of the other commit's in the same round, and
   * how far the rounds lie apart; absent without `--against`.
   */
  readonly ratio_other_cpu?: number;
  readonly spread?: number;
  /** From the headers of a delivery to the begin of the transaction that applied it, in ms. */
  readonly lag_p50_ms: number;
  readonly lag_p99_ms: number;
  readonly lag_p99_ms_other?: number;
  /** Mean size of the transactions. */
  readonly batch_events: number;
}

export interface EndToEndResult {
  readonly full: LoadResult;
  /** events_per_s of the full load as a share of apply's and of the other commit's. */
  readonly ratio_apply?: number;
  readonly ratio_other?: number;
  readonly at_rate: readonly (LoadResult & { readonly rate: number })[];
  /** Share of a core that all services take in one process while nothing comes. */
  readonly idle_core: number;
  readonly idle_core_other?: number;
  /** Events per second in the first seconds after a start as a share of the steady rate. */
  readonly ratio_start: number;
}

/** So many that the services and not the waiting for answers bound the rate. */
const CONNECTIONS = 256;
/**
 * The sender waits while so many accepted events are not applied: what goes on for ever is the rate of the slower end.
 */
const BACKLOG_MAX = 10_000;
const RATES = [800, 2_000] as const;
const ROUNDS = 3;
const START_SECONDS = 10;
const WARM_UP_STEP_SECONDS = 2;
const IDLE_SECONDS = 10;

const sideNames = ['this', 'other'] as const;
type Side = (typeof sideNames)[number];

interface Measured extends SystemLoad {
  readonly lag: readonly [number, number];
  readonly batchEvents: number;
}
export type EndToEndRound = Readonly<Partial<Record<Side, Measured>>>;

export const measureEndToEnd = async (
  stack: Stack,
  seconds: number,
  report: Report,
  other?: OtherTree,
  applyPerSecond?: number,
): Promise<EndToEndResult> => {
  const systems: Partial<Record<Side, MeasuredSystem>> = {};
  try {
    const started = (systems.this = await startSystem(stack));
    const first = await started.load(START_SECONDS, CONNECTIONS, { backlogMax: BACKLOG_MAX });
    if (other !== undefined) systems.other = await startSystem(stack, other);
    for (const side of sideNames) await warmed(systems[side], side, report);

    const full = await rounds(systems, (system) =>
      system.load(seconds / ROUNDS, CONNECTIONS, { backlogMax: BACKLOG_MAX }),
    );
    say(report, 'full load', full);
    const atRates: (LoadResult & { readonly rate: number })[] = [];
    for (const rate of RATES) {
      const measured = await rounds(systems, (system) => system.load(seconds / 2, CONNECTIONS, atRate(rate)));
      say(report, `${rate}/s`, measured);
      atRates.push({ rate, ...loadResult(measured) });
    }
    const idle = await idleCores(systems);
    const perSecond = (side: Side): readonly number[] => full.map((round) => round[side]?.appliedPerSecond ?? 0);
    const steady = median(perSecond('this'));
    return {
      full: loadResult(full),
      ...(applyPerSecond === undefined ? {} : { ratio_apply: rounded(steady / applyPerSecond) }),
      ...(other && {
        ratio_other: rounded(median(perSecond('this').map((value, round) => value / (perSecond('other')[round] ?? 0)))),
      }),
      at_rate: atRates,
      idle_core: rounded(idle.this ?? 0, 2),
      ...(idle.other === undefined ? {} : { idle_core_other: rounded(idle.other, 2) }),
      ratio_start: rounded(first.appliedPerSecond / steady),
    };
  } finally {
    await Promise.all(Object.values(systems).map((system) => system.stop()));
  }
};

const warmed = async (system: MeasuredSystem | undefined, side: Side, report: Report): Promise<void> => {
  if (system === undefined) return;
  const steps = await warmUp(
    async () => (await system.load(WARM_UP_STEP_SECONDS, CONNECTIONS, { backlogMax: BACKLOG_MAX })).appliedPerSecond,
  );
  report('end-to-end', `${side}: the rate stopped rising after ${steps * WARM_UP_STEP_SECONDS} s`);
};

const rounds = async (
  systems: Partial<Record<Side, MeasuredSystem>>,
  load: (system: MeasuredSystem) => Promise<SystemLoad>,
): Promise<readonly EndToEndRound[]> => {
  const measured: EndToEndRound[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const outcomes: Partial<Record<Side, Measured>> = {};
    for (const side of turned(sideNames, round)) {
      const system = systems[side];
      if (system === undefined) continue;
      const outcome = await load(system);
      outcomes[side] = {
        ...outcome,
        lag: await system.lagSince(outcome.since),
        batchEvents: await system.batchEventsSince(outcome.since),
      };
    }
    measured.push(outcomes);
  }
  return measured;
};

/** All of them idle at once, for the same time. */
const idleCores = async (systems: Partial<Record<Side, MeasuredSystem>>): Promise<Partial<Record<Side, number>>> => {
  const cpu = (): Partial<Record<Side, number>> =>
    Object.fromEntries(Object.entries(systems).map(([side, system]) => [side, system.ownCpu()]));
  const before = cpu();
  await delay(IDLE_SECONDS * 1000);
  const after = cpu();
  return Object.fromEntries(
    Object.entries(before).map(([side, micros]) => [
      side,
      ((after[side as Side] ?? 0) - micros) / (IDLE_SECONDS * 1e6),
    ]),
  );
};

const totalPerEvent = ({ cpu, answered }: Measured): number =>
  Object.values(cpu).reduce((sum, micros) => sum + micros, 0) / answered;

/** Medians over the rounds; each ratio is taken within a round. */
export const loadResult = (measured: readonly EndToEndRound[]): LoadResult => {
  const of = (side: Side): readonly Measured[] => measured.flatMap((round) => round[side] ?? []);
  const mid = (side: Side, value: (one: Measured) => number): number => rounded(median(of(side).map(value)));
  const ratios = measured.flatMap(({ this: one, other }) =>
    one === undefined || other === undefined ? [] : [totalPerEvent(one) / totalPerEvent(other)],
  );
  const names = Object.keys(of('this')[0]?.cpu ?? {});
  return {
    events_per_s: mid('this', ({ appliedPerSecond }) => appliedPerSecond),
    cpu_us: mid('this', totalPerEvent),
    cpu_us_by_process: Object.fromEntries(
      names.map((name) => [name, mid('this', ({ cpu, answered }) => (cpu[name] ?? 0) / answered)]),
    ),
    lag_p50_ms: mid('this', ({ lag }) => lag[0]),
    lag_p99_ms: mid('this', ({ lag }) => lag[1]),
    batch_events: mid('this', ({ batchEvents }) => batchEvents),
    ...(ratios.length > 0 && {
      ratio_other_cpu: rounded(median(ratios)),
      spread: rounded(spread(ratios)),
      lag_p99_ms_other: mid('other', ({ lag }) => lag[1]),
    }),
  };
};

const say = (report: Report, what: string, measured: readonly EndToEndRound[]): void =>
  measured.forEach((round, index) => {
    const sides = sideNames.flatMap((side) => {
      const one = round[side];
      if (one === undefined) return [];
      return (
        `${side} ${one.appliedPerSecond.toFixed(0)}/s, ${totalPerEvent(one).toFixed(0)} us, lag ` +
        `${one.lag.map((ms) => ms.toFixed(0)).join(' / ')} ms`
      );
    });
    report('end-to-end', `${what}, round ${index + 1} of ${ROUNDS}: ${sides.join(' | ')}`);
  });
