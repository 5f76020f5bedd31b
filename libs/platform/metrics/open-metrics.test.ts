import { counterOf, createRegistry, histogramOf } from './instruments.ts';
import { openMetricsOf } from './open-metrics.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

test('a bucket names the last trace that fell into it, and the older text stays as it was', async () => {
  const registry = createRegistry({ withNode: true });
  counterOf(registry, 'dakia_ingest_events_total').inc({ event: 'payment.captured' });
  const seconds = histogramOf(registry, 'dakia_ingest_answer_seconds');
  seconds.observe({ outcome: 'accepted' }, 0.004, TRACE);
  seconds.observe({ outcome: 'accepted' }, 0.2);
  const before = await registry.metrics();
  const open = await openMetricsOf(registry);
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
  expect(await openMetricsOf(registry)).not.toContain('trace_id');
});
