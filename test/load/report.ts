import { cpus } from 'node:os';
import type { ApplyResult } from './apply/measure.ts';
import type { EndToEndResult, LoadResult } from './end-to-end/measure.ts';
import { GROWING, HOLDING } from './hostile/attacks.ts';
import type { HostileResult } from './hostile/measure.ts';
import { LIGHT_PER_SECOND } from './ingest/few-connections.ts';
import type { ConnectionsResult, CpuPerRequest } from './ingest/few-connections.ts';
import type { IngestResult } from './ingest/measure.ts';
import type { NotifyResult } from './notify/measure.ts';
import type { ScrapeResult } from './scrape/measure.ts';
import { tracesText } from './traces/measure.ts';
import type { TracesResult } from './traces/measure.ts';

/** The line of JSON; a part that was not measured is absent. */
export interface BenchResult {
  readonly machine: { readonly cores: number; readonly cpu: string; readonly node: string };
  /** The commit that was measured in the same rounds. */
  readonly against?: string;
  readonly ingest?: IngestResult;
  readonly traces?: TracesResult;
  readonly apply?: ApplyResult;
  readonly end_to_end?: EndToEndResult;
  readonly notify?: NotifyResult;
  readonly hostile?: HostileResult;
  readonly scrape?: ScrapeResult;
}

/** One figure as people read it. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit?: 'ms' | 'us' | '/s' | 'MB';
  /** What the value should be at least or at most. */
  readonly goal?: { readonly least: number } | { readonly most: number };
  /** How far the rounds lie apart: (highest - lowest) / median. */
  readonly spread?: number;
  /** Within which the value lies with 95 % certainty; then the goal has to be on one side of it. */
  readonly between?: readonly [low: number, high: number];
  readonly note: string;
}

/** Rounds further apart than this show the neighbours and not Dakia. */
export const SPREAD_MAX = 0.25;

export const thisMachine = (): BenchResult['machine'] => ({
  cores: cpus().length,
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  node: process.version,
});

const least = (value: number): { readonly least: number } => ({ least: value });
const most = (value: number): { readonly most: number } => ({ most: value });
/** A figure that only some runs have. */
const maybe = (value: number | undefined, figure: Omit<Figure, 'value'>): readonly Figure[] =>
  value === undefined ? [] : [{ ...figure, value }];

/** Issue goals by connections: requests/s as a multiple of the other commit's. */
const CONNECTION_GOALS: Readonly<Record<number, number>> = { 8: 4, 32: 3, 128: 2 };

const connectionsFigure = (result: ConnectionsResult): Figure => {
  const { connections, req_per_s: perSecond, ratio_other: ratio, spread, cpu_us: cpu, cpu_us_other: cpuOther } = result;
  const name = `ingest, ${connections} connections`;
  const cost = cpuNote(cpu) + (cpuOther === undefined ? '' : `, the other${cpuNote(cpuOther)}`);
  if (ratio === undefined) return { name, value: perSecond, unit: '/s', note: `durable requests${cost}` };
  return {
    name,
    value: ratio,
    goal: least(CONNECTION_GOALS[connections] ?? 1),
    ...(spread === undefined ? {} : { spread }),
    note: `of the other commit, req/s (${perSecond}/s)${cost}`,
  };
};

const cpuNote = (cpu: CpuPerRequest | undefined): string =>
  cpu === undefined ? '' : `: ${cpu.ingest} us of ingest, ${cpu.kafka ?? '?'} of Kafka, ${cpu.client} of the client`;

const ingestFigures = (result: IngestResult): readonly Figure[] => [
  ...result.by_connections.map(connectionsFigure),
  {
    name: 'ingest, answer under light load',
    value: result.light_p50_ms,
    unit: 'ms',
    goal: most(2),
    note:
      `p50 at ${LIGHT_PER_SECOND}/s; p99 ${result.light_p99_ms} ms; without Kafka p50 ` +
      `${result.light_p50_ms_no_kafka} ` +
      `ms${result.light_p50_ms_other === undefined ? '' : `; the other commit's p50 ${result.light_p50_ms_other} ms`}`,
  },
  {
    name: 'ingest without Kafka / ingest, CPU',
    value: result.ratio_no_kafka_cpu,
    goal: least(0.9),
    spread: result.spread_cpu,
    note: `${result.cpu_us} us of the process per event; by req/s ${result.ratio_no_kafka} (${result.req_per_s}/s)`,
  },
  {
    name: 'bare Fastify / ingest, CPU',
    value: result.ratio_bare_cpu,
    goal: least(0.56),
    spread: result.spread_cpu,
    note:
      `by req/s ${result.ratio_bare}; loop busy ${result.server_busy}, generator ` +
      `${result.generator_core} of a core`,
  },
  {
    name: 'ingest, answer at half load',
    value: result.p50_ms,
    unit: 'ms',
    note: `p50; p99 ${result.p99_ms} ms`,
  },
];

const tracesFigures = (result: TracesResult): readonly Figure[] => [
  {
    name: 'ingest without traces / with 1 % traced, CPU',
    value: result.traced_1_cpu,
    goal: least(0.97),
    spread: result.spread_traced,
    ...(result.traced_1_between !== undefined && { between: result.traced_1_between }),
    note: tracesText(result),
  },
];
const hasTraces = (result: IngestResult): result is IngestResult & TracesResult => result.traced_1_cpu !== undefined;

const applyFigures = (result: ApplyResult): readonly Figure[] => [
  {
    name: 'apply / raw insert, empty tables',
    value: result.ratio_raw,
    goal: least(0.8),
    spread: result.spread,
    note: `${result.events_per_s} events/s`,
  },
  {
    name: 'apply / raw insert, 1 M rows',
    value: result.ratio_raw_1m,
    goal: least(0.8),
    note: `${result.events_per_s_1m} events/s`,
  },
  {
    name: 'apply, CPU of the consumer',
    value: result.cpu_us,
    unit: 'us',
    note: `per event; ${result.batch_events} events per transaction`,
  },
];

const loadFigures = (name: string, result: LoadResult, goals: { cpu: number; lagMs?: number }): readonly Figure[] => {
  const parts = Object.entries(result.cpu_us_by_process).map(([process, micros]) => `${process} ${micros}`);
  const spread = result.spread === undefined ? {} : { spread: result.spread };
  const cpu = `${result.cpu_us} us per event: ${parts.join(', ')}`;
  return [
    ...(result.ratio_other_cpu === undefined
      ? [{ name: `${name}, CPU`, value: result.cpu_us, unit: 'us' as const, note: cpu }]
      : maybe(result.ratio_other_cpu, {
          name: `${name}, CPU / the other commit`,
          goal: most(goals.cpu),
          ...spread,
          note: cpu,
        })),
    {
      name: `${name}, lag p99`,
      value: result.lag_p99_ms,
      unit: 'ms',
      ...(goals.lagMs === undefined ? {} : { goal: most(goals.lagMs) }),
      note:
        `p50 ${result.lag_p50_ms} ` +
        `ms${result.lag_p99_ms_other === undefined ? '' : `; the other commit's p99 ${result.lag_p99_ms_other} ms`}; ${result.batch_events} events per transaction`,
    },
  ];
};

const endToEndFigures = (result: EndToEndResult): readonly Figure[] => [
  {
    name: 'HTTP to Postgres',
    value: result.full.events_per_s,
    unit: '/s',
    note: [
      'all services in one process',
      ...(result.ratio_apply === undefined ? [] : [`${result.ratio_apply} of apply alone`]),
      ...(result.ratio_other === undefined ? [] : [`${result.ratio_other} of the other commit`]),
    ].join('; '),
  },
  ...loadFigures('end to end, full load', result.full, { cpu: 0.65 }),
  ...result.at_rate.flatMap((one) => loadFigures(`end to end, ${one.rate}/s`, one, { cpu: 0.4, lagMs: 100 })),
  {
    name: 'idle, share of a core',
    value: result.idle_core,
    goal: most(0.02),
    note:
      'all services in one ' +
      `process${result.idle_core_other === undefined ? '' : `; the other commit's ${result.idle_core_other}`}`,
  },
  {
    name: 'first 10 s after a start / steady',
    value: result.ratio_start,
    goal: least(0.6),
    note: 'events/s at full load',
  },
];

const notifyFigures = (result: NotifyResult): readonly Figure[] => [
  {
    name: 'notifications / plain BullMQ with the post',
    value: result.ratio_bullmq,
    goal: least(0.5),
    spread: result.spread,
    note:
      `${result.per_s} of ${result.bullmq_per_s}/s; ${result.cpu_us} us of CPU each, BullMQ ` +
      `${result.bullmq_cpu_us}`,
  },
  {
    name: 'notifications / plain BullMQ without it',
    value: result.ratio_bullmq_no_post,
    note: `${result.per_s_default}/s with as many deliveries at once as a destination has by default`,
  },
  {
    name: 'notifications, fact to answer',
    value: result.latency_p50_ms,
    unit: 'ms',
    note: `p50; p99 ${result.latency_p99_ms} ms at half of that load`,
  },
];

const hostileFigures = ({ attacks }: HostileResult): readonly Figure[] =>
  attacks.flatMap(({ attack, ratio_p99: ratio, p99_ms: p99, lost, sent, rss_more_mb: more }) => [
    {
      name: `attack: ${attack}, genuine p99`,
      value: ratio,
      ...(HOLDING.includes(attack) ? {} : { goal: most(3) }),
      note: `of undisturbed; ${p99} ms`,
    },
    { name: 'lost', value: lost, goal: most(0), note: `of ${sent} genuine deliveries` },
    {
      name: 'memory more',
      value: more,
      unit: 'MB',
      ...(GROWING.includes(attack) ? { goal: most(50) } : {}),
      note: 'than before the attack',
    },
  ]);

const scrapeFigures = ({ series, cpu_p50_ms: cpu, cpu_p99_ms: p99 }: ScrapeResult): readonly Figure[] => [
  {
    name: 'scrape, CPU',
    value: cpu,
    unit: 'ms',
    goal: most(20),
    note: `p50; p99 ${p99} ms; ${series} series in one process`,
  },
];

/** Every figure of a run, in the order in which people read them. */
export const figuresOf = ({
  ingest,
  traces = ingest !== undefined && hasTraces(ingest) ? ingest : undefined,
  apply,
  end_to_end: endToEnd,
  notify,
  hostile,
  scrape,
}: BenchResult): readonly Figure[] => [
  ...(ingest ? ingestFigures(ingest) : []),
  ...(traces ? tracesFigures(traces) : []),
  ...(apply ? applyFigures(apply) : []),
  ...(endToEnd ? endToEndFigures(endToEnd) : []),
  ...(notify ? notifyFigures(notify) : []),
  ...(hostile ? hostileFigures(hostile) : []),
  ...(scrape ? scrapeFigures(scrape) : []),
];

/** Whether a goal is met; rounds that lie too far apart say nothing, nor an interval that the goal lies in. */
export const verdictOf = ({ value, goal, spread = 0, between: [low, high] = [value, value] }: Figure): string => {
  if (goal === undefined) return '';
  if (spread > SPREAD_MAX) return `no verdict: rounds differ by ${(spread * 100).toFixed(0)} %`;
  const isMet = (one: number): boolean => ('least' in goal ? one >= goal.least : one <= goal.most);
  const text = 'least' in goal ? `>= ${goal.least}` : `<= ${goal.most}`;
  if (isMet(low) !== isMet(high)) return `no verdict: between ${low} and ${high} (${text})`;
  return `${isMet(low) ? 'met' : 'missed'} (${text})`;
};

const UNITS: Readonly<Record<NonNullable<Figure['unit']>, string>> = { ms: ' ms', us: ' us', '/s': '/s', MB: ' MB' };
export const valueOf = ({ value, unit }: Figure): string => `${value}${unit === undefined ? '' : UNITS[unit]}`;

/** The table that a person reads. */
export const tableOf = (result: BenchResult): string => {
  const rows = figuresOf(result).map(
    (figure) => [figure.name, valueOf(figure), verdictOf(figure), figure.note] as const,
  );
  const width = (column: 0 | 1 | 2): number => Math.max(...rows.map((row) => row[column].length));
  const lines = rows.map(([name, value, verdict, note]) =>
    `  ${name.padEnd(width(0))}  ${value.padStart(width(1))}  ${verdict.padEnd(width(2))}  ${note}`.trimEnd(),
  );
  const { cores, cpu, node } = result.machine;
  const against = result.against === undefined ? '' : `; the other commit is ${result.against}`;
  return [`Within this run: ${cores} cores, ${cpu}, Node ${node}${against}`, '', ...lines].join('\n');
};
