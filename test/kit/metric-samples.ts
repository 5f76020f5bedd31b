import { metrics, nodeMetrics } from '#platform/metrics';
import type { AnyDeclaration } from '#platform/metrics';

const declared: Readonly<Record<string, AnyDeclaration>> = metrics;

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The samples of a scrape under the names of their metrics. */
export const samplesIn = (text: string): readonly Sample[] =>
  [...text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm)].map(([, series = '', labels = '', value]) => {
    const base = series.replace(/_(bucket|sum|count)$/, '');
    return {
      name: declared[base]?.kind === 'histogram' || base === 'nodejs_gc_duration_seconds' ? base : series,
      labels: Object.fromEntries(
        [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = '', text = '']) => [key, text]),
      ),
      value: Number(value),
    };
  });

/** What a sample has that the contract does not know. */
export const surprisesIn = ({ name, labels }: Sample): readonly string[] => {
  const declaration = declared[name];
  if (declaration === undefined)
    return (nodeMetrics as readonly string[]).includes(name) ? [] : [`${name} is not declared`];
  const { le: _bucket, ...own } = labels;
  const wanted = Object.keys(declaration.labels).toSorted().join();
  if (Object.keys(own).toSorted().join() !== wanted)
    return [`${name} has the labels ${Object.keys(own).join()}, not ${wanted}`];
  return Object.entries(own).flatMap(([label, value]) => {
    const values = declaration.labels[label]?.values ?? null;
    return values === null || values.includes(value) ? [] : [`${name} has ${label}="${value}"`];
  });
};
