import promClient from 'prom-client';
import { oncePer } from '#rules';
import type { Registry } from './instruments.ts';

/** The content type of OpenMetrics, which has exemplars; the older text has none. */
export const OPEN_METRICS = promClient.Registry.OPENMETRICS_CONTENT_TYPE;

type Exposition = 'text' | 'open-metrics';

interface Exemplar {
  readonly labelSet: Readonly<Record<string, string>>;
  readonly value: number;
  readonly timestamp: number;
}
type LabelValues = Readonly<Record<string, string | number>>;
interface Value {
  readonly labels: LabelValues;
  readonly value: number;
}
interface Buckets {
  readonly labels: LabelValues;
  /** By upper bound, each without those below it. */
  readonly bucketValues: Readonly<Record<string, number>>;
  readonly bucketExemplars?: Readonly<Record<string, Exemplar | null>>;
  readonly sum: number;
  readonly count: number;
}

/** What prom-client keeps of a metric; a test compares what is written here with what prom-client writes. */
interface Kept {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly collect?: () => Promise<void> | void;
  readonly upperBounds?: readonly number[];
  /** By a text that each set of labels has for good. */
  readonly hashMap: Readonly<Record<string, Value | Buckets>>;
}

/** What stands before the values of a series never changes: label sets are closed, so there are only so many. */
const prefixesOf = oncePer((_metric: Kept) => new Map<string, readonly string[]>());

/**
 * A registry's metrics as text. prom-client's own writer makes objects and texts of every label, bucket and line anew
 * for each scrape, and renames counters for good when it writes OpenMetrics; this one remembers all of a line but its
 * value.
 */
export const expositionOf = async (registry: Registry, format: Exposition): Promise<string> => {
  const metrics = registry.getMetricsAsArray() as unknown as readonly Kept[];
  await Promise.all(metrics.map(async (metric) => metric.collect?.()));
  const texts = metrics.map((metric) => textOf(metric, format));
  return format === 'text' ? `${texts.join('\n\n')}\n` : `${texts.join('\n')}\n# EOF\n`;
};

const textOf = (metric: Kept, format: Exposition): string => {
  const { type, help } = metric;
  const name = format === 'open-metrics' && type === 'counter' ? metric.name.replace(/_total$/, '') : metric.name;
  const prefixes = prefixesOf(metric);
  let text = `# HELP ${name} ${escaped(help)}\n# TYPE ${name} ${type}`;
  for (const [key, series] of Object.entries(metric.hashMap)) {
    let known = prefixes.get(key);
    if (known === undefined) {
      known = prefixesFor(metric, series.labels);
      prefixes.set(key, known);
    }
    text +=
      'bucketValues' in series ? linesOf(metric, series, known, format) : `\n${known[0]}${numberText(series.value)}`;
  }
  return text;
};

/** Everything of a series' lines before their values: one line, or one for each bucket, for infinity, sum and count. */
const prefixesFor = ({ name, upperBounds }: Kept, labels: LabelValues): readonly string[] => {
  const pairs = labelPairs(labels);
  if (upperBounds === undefined) return [`${name}${braced(pairs)} `];
  const bounds = [...upperBounds, '+Inf'].map((bound) => `${name}_bucket${braced([`le="${bound}"`, ...pairs])} `);
  return [...bounds, `${name}_sum${braced(pairs)} `, `${name}_count${braced(pairs)} `];
};

const linesOf = (
  { upperBounds = [] }: Kept,
  { bucketValues, bucketExemplars, sum, count }: Buckets,
  prefixes: readonly string[],
  format: Exposition,
): string => {
  const exemplars = format === 'open-metrics' ? bucketExemplars : undefined;
  let text = '';
  let below = 0;
  let line = 0;
  for (const bound of upperBounds) {
    below += bucketValues[bound] ?? 0;
    text += `\n${prefixes[line++]}${below}${exemplarText(exemplars?.[bound])}`;
  }
  text += `\n${prefixes[line++]}${count}${exemplarText(exemplars?.['-1'])}`;
  return `${text}\n${prefixes[line++]}${numberText(sum)}\n${prefixes[line]}${count}`;
};

const exemplarText = (exemplar: Exemplar | null | undefined): string =>
  exemplar === null || exemplar === undefined
    ? ''
    : ` # {${labelPairs(exemplar.labelSet).join(',')}} ${numberText(exemplar.value)} ${exemplar.timestamp}`;

const labelPairs = (labels: LabelValues): readonly string[] =>
  Object.entries(labels).map(([name, value]) => `${name}="${escaped(String(value)).replaceAll('"', '\\"')}"`);
const braced = (pairs: readonly string[]): string => (pairs.length === 0 ? '' : `{${pairs.join(',')}}`);
const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
const numberText = (value: number): string =>
  Number.isFinite(value) ? `${value}` : Number.isNaN(value) ? 'NaN' : value < 0 ? '-Inf' : '+Inf';
