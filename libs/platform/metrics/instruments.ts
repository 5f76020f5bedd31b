import promClient from 'prom-client';
import { oncePer } from '#rules';
import type { AnyDeclaration, LabelSet } from './declaration.ts';
import { metrics } from './declared/index.ts';
import { oneAtATime } from './one-at-a-time.ts';

/** All metrics of one process. */
export type Registry = promClient.Registry;

type Declared = typeof metrics;
export type MetricName = keyof Declared;
type NameOf<Kind extends string> = {
  [Name in MetricName]: Declared[Name]['kind'] extends Kind ? Name : never;
}[MetricName];
export type CounterName = NameOf<'counter'>;
export type GaugeName = NameOf<'gauge'>;
export type HistogramName = NameOf<'histogram'>;

type ValueOf<Set> = Set extends LabelSet<infer Value> ? Value : never;
/** A value for each label, of its closed set where it has one. */
export type LabelsOf<Name extends MetricName> = {
  readonly [Label in keyof Declared[Name]['labels']]: ValueOf<Declared[Name]['labels'][Label]>;
};

/** One series of a counter. */
interface Tally {
  readonly inc: () => void;
}
export interface Counter<Name extends CounterName> {
  readonly inc: (labels: LabelsOf<Name>, by?: number) => void;
  /**
   * One series, for what is counted with every request: adding costs no look at its labels. To be
   * kept and asked for once; the registry takes over what was added as it is read.
   */
  readonly tally: (labels: LabelsOf<Name>) => Tally;
}
export interface Gauge<Name extends GaugeName> {
  readonly set: (labels: LabelsOf<Name>, value: number) => void;
  /** Takes one series away. */
  readonly remove: (labels: LabelsOf<Name>) => void;
  /** Takes all series away. */
  readonly reset: () => void;
}
export interface Histogram<Name extends HistogramName> {
  /** `traceId`: of a trace that is kept, for a histogram that is `traced`. */
  readonly observe: (labels: LabelsOf<Name>, value: number, traceId?: string) => void;
}

type Made = promClient.Counter | promClient.Gauge | promClient.Histogram;

/**
 * What a registry has of our metrics, and what is looked at before it
 * shows some of them. Several services of a process share it.
 */
const shelfOf = oncePer((_registry: Registry) => ({
  made: new Map<MetricName, Made>(),
  tallies: new Map<MetricName, (() => void)[]>(),
  refreshers: new Map<MetricName, Set<() => Promise<void>>>(),
}));

/**
 * How often the lag of the event loop is measured, in ms; what is shown contains it. Each time wakes the process: every
 * 10 ms, as prom-client has it, is a tenth of what an idle service does.
 */
const LOOP_LOOK_EVERY_MS = 50;

/** A registry without our metrics; Node's own are in it where `withNode` says so. */
export const createRegistry = ({ withNode = false }: { readonly withNode?: boolean } = {}): Registry => {
  const registry = new promClient.Registry();
  if (withNode)
    promClient.collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LOOP_LOOK_EVERY_MS });
  return registry;
};

export const counterOf = <Name extends CounterName>(registry: Registry, name: Name): Counter<Name> => {
  const made = instrumentOf(registry, name) as promClient.Counter;
  return {
    inc: (labels, by = 1) => made.inc(labels, by),
    tally: (labels) => {
      let added = 0;
      made.inc(labels, 0);
      shelfOf(registry)
        .tallies.get(name)
        ?.push(() => {
          made.inc(labels, added);
          added = 0;
        });
      return { inc: () => (added += 1) };
    },
  };
};

export const gaugeOf = <Name extends GaugeName>(registry: Registry, name: Name): Gauge<Name> => {
  const made = instrumentOf(registry, name) as promClient.Gauge;
  return {
    set: (labels, value) => made.set(labels, value),
    remove: (labels) => made.remove(labels),
    reset: () => made.reset(),
  };
};

export const histogramOf = <Name extends HistogramName>(registry: Registry, name: Name): Histogram<Name> => {
  const made = instrumentOf(registry, name) as promClient.Histogram;
  if (!isTraced(metrics[name])) return { observe: (labels, value) => made.observe(labels, value) };
  return {
    observe: (labels, value, traceId) =>
      made.observe({ labels, value, exemplarLabels: traceId === undefined ? {} : { trace_id: traceId } }),
  };
};

/**
 * Calls `refresh` before the registry shows any of these gauges, once for a scrape; it sets them and must not reject. A
 * scrape waits only a little for it (one-at-a-time.ts). Returns how to stop it.
 */
export const beforeScrape = (
  registry: Registry,
  names: readonly GaugeName[],
  refresh: () => Promise<void> | void,
): (() => void) => {
  const { refreshers } = shelfOf(registry);
  const shared = oneAtATime(async () => refresh());
  for (const name of names) {
    instrumentOf(registry, name);
    refreshers.get(name)?.add(shared);
  }
  return () => names.forEach((name) => refreshers.get(name)?.delete(shared));
};

const isTraced = (declared: AnyDeclaration): boolean => 'traced' in declared && declared.traced === true;

const instrumentOf = (registry: Registry, name: MetricName): Made => {
  const { made, refreshers, tallies } = shelfOf(registry);
  const existing = made.get(name);
  if (existing !== undefined) return existing;
  const ofName = new Set<() => Promise<void>>();
  refreshers.set(name, ofName);
  const toTakeOver: (() => void)[] = [];
  tallies.set(name, toTakeOver);
  const instrument = make(registry, name, {
    refresh: async () => void (await Promise.all([...ofName].map(async (refresh) => refresh()))),
    takeOver: () => toTakeOver.forEach((take) => take()),
  });
  made.set(name, instrument);
  return instrument;
};

/** Above this many series a counter begins with none. */
const SHOWN_FROM_THE_START_MAX = 64;

/**
 * Every set of labels that a counter can have, where all are closed and together few: shown as 0 from the start,
 * because Prometheus sees no increase in a series that begins with its first event.
 */
const combinationsOf = (labels: Readonly<Record<string, LabelSet>>): readonly Readonly<Record<string, string>>[] => {
  let combinations: readonly Readonly<Record<string, string>>[] = [{}];
  for (const [label, { values }] of Object.entries(labels)) {
    if (values === null || values.length * combinations.length > SHOWN_FROM_THE_START_MAX) return [];
    combinations = combinations.flatMap((known) => values.map((value) => ({ ...known, [label]: value })));
  }
  return combinations;
};

/** What comes before a metric is read: of a gauge, of a counter. */
interface BeforeRead {
  readonly refresh: () => Promise<void>;
  readonly takeOver: () => void;
}

const make = (registry: Registry, name: MetricName, { refresh, takeOver }: BeforeRead): Made => {
  const declared = metrics[name];
  const common = { name, help: declared.help, labelNames: Object.keys(declared.labels), registers: [registry] };
  switch (declared.kind) {
    case 'counter': {
      const counter = new promClient.Counter({ ...common, collect: takeOver });
      for (const labels of combinationsOf(declared.labels)) counter.inc(labels, 0);
      return counter;
    }
    case 'gauge':
      return new promClient.Gauge({ ...common, collect: refresh });
    case 'histogram':
      return makeHistogram(registry, { ...common, buckets: [...declared.buckets] }, isTraced(declared));
  }
};

/**
 * prom-client lets a registry that can show the older text make no exemplars, but has nothing against being given them.
 */
const makeHistogram = (
  registry: Registry,
  configuration: promClient.HistogramConfiguration<string>,
  withExemplars: boolean,
): Made => {
  if (!withExemplars) return new promClient.Histogram(configuration);
  const histogram = new promClient.Histogram({ ...configuration, registers: [], enableExemplars: true });
  registry.registerMetric(histogram);
  return histogram;
};
