/** What a dashboard is made of: panels as data, and PromQL over the metrics of the contract. */
import type { MetricName, nodeMetrics } from '#platform/metrics';

/** Names of Grafana's units. */
export type Unit = 'short' | 'ops' | 's' | 'bytes' | 'percentunit' | 'dtdurations' | 'bool_on_off';

export interface Query {
  readonly expr: string;
  /** Legend, in Grafana's template language. */
  readonly legend: string;
}

export interface Panel {
  readonly title: string;
  /** What it says and when to worry, in a sentence or two. */
  readonly says: string;
  readonly kind: 'number' | 'lines';
  readonly unit: Unit;
  readonly queries: readonly [Query, ...Query[]];
  /** From here on a number is red; with a negative sign: below it. */
  readonly redFrom?: number;
  /** The trouble without which it has no data. The test of the dashboards has to bring it about. */
  readonly onlyIn?: string;
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

export interface Dashboard {
  /** Of the file, and after `dakia-` the uid. */
  readonly name: string;
  readonly title: string;
  readonly says: string;
  readonly rows: readonly Row[];
}

type NodeMetric = (typeof nodeMetrics)[number];
type Series = MetricName | `${MetricName}_${'bucket' | 'count' | 'sum'}` | NodeMetric | `${NodeMetric}_sum`;

/** A metric of the chosen namespaces. */
export const of = (series: Series, matchers = ''): string =>
  `${series}{namespace=~"$namespace"${matchers === '' ? '' : `,${matchers}`}}`;
export const perSecond = (series: Series, matchers = ''): string => `rate(${of(series, matchers)}[$__rate_interval])`;
export const FAMILY = 'family=~"$family"';

/** A quantile of a histogram, by labels beside `le`. */
export const quantile = (q: number, metric: MetricName, by = '', matchers = ''): string =>
  `histogram_quantile(${q}, sum by (le${by === '' ? '' : `, ${by}`}) (${perSecond(`${metric}_bucket`, matchers)}))`;

/** Median and 99th percentile of a histogram. */
export const spread = (metric: MetricName, by = '', matchers = ''): readonly [Query, Query] => {
  const name = by === '' ? '' : ` {{${by}}}`;
  return [
    { expr: quantile(0.5, metric, by, matchers), legend: `median${name}` },
    { expr: quantile(0.99, metric, by, matchers), legend: `99th percentile${name}` },
  ];
};

type Rest = Pick<Panel, 'redFrom' | 'onlyIn'>;
export const lines = (
  title: string,
  unit: Unit,
  says: string,
  queries: readonly [Query, ...Query[]],
  rest: Rest = {},
): Panel => ({ title, says, kind: 'lines', unit, queries, ...rest });

export const number = (title: string, unit: Unit, says: string, expr: string, rest: Rest = {}): Panel => ({
  title,
  says,
  kind: 'number',
  unit,
  queries: [{ expr, legend: title }],
  ...rest,
});
