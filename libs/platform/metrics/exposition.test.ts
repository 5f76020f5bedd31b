import promClient from 'prom-client';
import type { Metric, OpenMetricsContentType } from 'prom-client';
import { counterOf, createRegistry, gaugeOf, histogramOf } from './instruments.ts';
import { expositionOf } from './exposition.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

test('a bucket names the last trace that fell into it, and the older text stays as it was', async () => {
  const registry = createRegistry({ withNode: true });
  counterOf(registry, 'dakia_ingest_events_total').inc({ event: 'payment.captured' });
  const seconds = histogramOf(registry, 'dakia_ingest_answer_seconds');
  seconds.observe({ outcome: 'accepted' }, 0.004, TRACE);
  seconds.observe({ outcome: 'accepted' }, 0.2);
  const before = await registry.metrics();
  const open = await expositionOf(registry, 'open-metrics');
  expect(open).toMatch(
    new RegExp(
      `^dakia_ingest_answer_seconds_bucket\\{le="0.005",outcome="accepted"\\} 1 # \\{trace_id="${TRACE}"\\} 0.004 \\d+`,
      'm',
    ),
  );
  expect(open.match(/ # \{/g)).toHaveLength(1);
  expect(open).toContain('# TYPE dakia_ingest_events counter\n');
  expect(open).toContain('dakia_ingest_events_total{event="payment.captured"} 1\n');
  expect(open.endsWith('\n# EOF\n')).toBe(true);
  const ours = (text: string): readonly string[] => text.split('\n').filter((line) => line.includes('dakia_'));
  expect(ours(await registry.metrics())).toEqual(ours(before));
  expect(before).toContain('dakia_ingest_events_total{event="payment.captured"} 1\n');
});

test('what is observed without a trace is observed as ever', async () => {
  const registry = createRegistry();
  const seconds = histogramOf(registry, 'dakia_ingest_answer_seconds');
  for (const value of [0.001, 0.3, 9]) seconds.observe({ outcome: 'refused' }, value);
  expect(await registry.metrics()).toContain('dakia_ingest_answer_seconds_count{outcome="refused"} 3');
  expect(await expositionOf(registry, 'open-metrics')).not.toContain('trace_id');
});

/** What moves between two looks at this process. */
const isOurs = (line: string): boolean => line.includes('dakia_');

test('both texts are what prom-client writes', async () => {
  const registry = createRegistry({ withNode: true });
  counterOf(registry, 'dakia_ingest_events_total').inc({ event: 'payment.captured' }, 7);
  counterOf(registry, 'dakia_facts_relayed_total').inc({});
  const lag = gaugeOf(registry, 'dakia_ledger_lag_seconds');
  const odd = [Infinity, -Infinity, 0, -1.5, 1e21];
  for (const [index, value] of odd.entries()) lag.set({ topic: 'rzp.payments.v1', partition: String(index) }, value);
  histogramOf(registry, 'dakia_ingest_answer_seconds').observe({ outcome: 'accepted' }, 0.004, TRACE);
  histogramOf(registry, 'dakia_ingest_answer_seconds').observe({ outcome: 'accepted' }, 99, TRACE);
  histogramOf(registry, 'dakia_notification_seconds').observe({ destination: 'a "quoted" \\ one\nand more' }, 0.1);

  const lines = (text: string): readonly string[] => text.split('\n');
  for (const round of [1, 2]) {
    const [theirs, mine] = [lines(await registry.metrics()), lines(await expositionOf(registry, 'text'))];
    expect(mine.filter(isOurs)).toEqual(theirs.filter(isOurs));
    expect(mine.map((line) => line.replace(/ \S+$/, ''))).toEqual(theirs.map((line) => line.replace(/ \S+$/, '')));
    lag.set({ topic: 'rzp.payments.v1', partition: '0' }, round);
    lag.remove({ topic: 'rzp.payments.v1', partition: '1' });
  }
  const open = lines(await expositionOf(registry, 'open-metrics'));
  const view = new promClient.Registry<OpenMetricsContentType>();
  view.setContentType(promClient.Registry.OPENMETRICS_CONTENT_TYPE);
  for (const metric of registry.getMetricsAsArray() as unknown as readonly Metric[]) view.registerMetric(metric);
  const theirs = lines(await view.metrics());
  expect(open.filter(isOurs)).toEqual(theirs.filter(isOurs));
  expect(open.map((line) => line.replace(/ \S+$/, ''))).toEqual(theirs.map((line) => line.replace(/ \S+$/, '')));
});
