import { counterOf, createRegistry, expositionOf, gaugeOf, histogramOf, metrics } from '#platform/metrics';
import type { AnyDeclaration, MetricName, Registry } from '#platform/metrics';
import type { Report } from '../stack.ts';
import { median, quantile, rounded } from '../statistics.ts';

/** What /metrics costs a process that has every series of the product, as under `npm start`. */
export interface ScrapeResult {
  readonly series: number;
  /** CPU of one scrape that nobody has asked for within the last second, in ms. */
  readonly cpu_p50_ms: number;
  readonly cpu_p99_ms: number;
}

const PARTITIONS = 12;
/** Endpoints, destinations, queues and pools of a large deployment. */
const NAMED = 6;
const SCRAPES = 200;
const WARM_UP = 50;

const valuesOf = (label: string, values: readonly string[] | null): readonly string[] =>
  values ?? Array.from({ length: label === 'partition' ? PARTITIONS : NAMED }, (_, index) => String(index));

const combinationsOf = ({ labels }: AnyDeclaration): readonly Readonly<Record<string, string>>[] =>
  Object.entries(labels).reduce<readonly Readonly<Record<string, string>>[]>(
    (known, [label, { values }]) =>
      known.flatMap((one) => valuesOf(label, values).map((value) => ({ ...one, [label]: value }))),
    [{}],
  );

/** Labels that go with others: a reason has one outcome, and a partition at most one reason to stand still. */
const isReal = (name: string, index: number): boolean =>
  name === 'dakia_ingest_deliveries_total' || name === 'dakia_partition_halted' ? index % 4 === 0 : true;

const fill = (registry: Registry): number => {
  let series = 0;
  for (const [name, declaration] of Object.entries(metrics) as readonly (readonly [MetricName, AnyDeclaration])[]) {
    const buckets = 'buckets' in declaration ? declaration.buckets : [];
    for (const labels of combinationsOf(declaration).filter((_, index) => isReal(name, index))) {
      series += buckets.length === 0 ? 1 : buckets.length + 3;
      if (declaration.kind === 'counter') counterOf(registry, name as 'dakia_facts_relayed_total').inc(labels, 1);
      else if (declaration.kind === 'gauge') gaugeOf(registry, name as 'dakia_outbox_unrelayed').set(labels, 1);
      else histogramOf(registry, name as 'dakia_notification_seconds').observe(labels as { destination: string }, 1);
    }
  }
  return series;
};

/**
 * 12 partitions of each topic, every closed value of every label, and a few names of each other one. Needs no server.
 */
export const measureScrape = async (report: Report): Promise<ScrapeResult> => {
  const registry = createRegistry({ withNode: true });
  const series = fill(registry);
  report('scrape', `${series} series`);
  const took: number[] = [];
  for (let scrape = 0; scrape < WARM_UP + SCRAPES; scrape += 1) {
    const before = process.cpuUsage();
    await expositionOf(registry, 'text');
    const { user, system } = process.cpuUsage(before);
    if (scrape >= WARM_UP) took.push((user + system) / 1000);
  }
  registry.clear();
  return { series, cpu_p50_ms: rounded(median(took)), cpu_p99_ms: rounded(quantile(took, 0.99)) };
};
