import promClient from 'prom-client';
import type { AnyDeclaration } from './declaration.ts';
import { metricAreas, metrics } from './declared/index.ts';
import { nodeMetrics } from './declared/process.ts';
import { beforeScrape, counterOf, createRegistry, gaugeOf } from './instruments.ts';

const declared = Object.entries(metrics as Readonly<Record<string, AnyDeclaration>>);

test('each metric is in one area', () => {
  const names = Object.values(metricAreas).flatMap((area) => Object.keys(area));
  expect(names.toSorted()).toEqual(declared.map(([name]) => name).toSorted());
});

test.each(declared)('%s is named, explained and labelled by the conventions', (name, declaration) => {
  const { kind, help, labels } = declaration;
  expect(name).toMatch(/^dakia_[a-z][a-z0-9_]*$/);
  expect(name.endsWith('_total')).toBe(kind === 'counter');
  expect(name).not.toMatch(/_(ms|millis\w*|minutes|hours|kb|mb|count|sum|bucket)$/);
  expect(help).toMatch(/^[A-Z0-9].*\.$/);
  for (const [label, { values, words }] of Object.entries(labels)) {
    expect(label).toMatch(/^[a-z]+$/);
    expect(values === null ? words : 'closed').not.toBe('');
    expect(new Set(values ?? []).size).toBe(values?.length ?? 0);
  }
  if ('buckets' in declaration) expect(declaration.buckets).toEqual(declaration.buckets.toSorted((a, b) => a - b));
});

test('what prom-client tells of Node is what the page says', async () => {
  const registry = createRegistry({ withNode: true });
  const names = (await registry.getMetricsAsJSON()).map(({ name }) => name);
  expect(names.toSorted()).toEqual(nodeMetrics.toSorted());
});

test('parts of a process share an instrument, and a look before the scrape happens once for all its gauges', async () => {
  const registry = createRegistry();
  counterOf(registry, 'dakia_facts_relayed_total').inc({});
  counterOf(registry, 'dakia_facts_relayed_total').inc({}, 2);
  let looks = 0;
  const stop = beforeScrape(registry, ['dakia_outbox_unrelayed', 'dakia_outbox_oldest_seconds'], () => {
    looks += 1;
    gaugeOf(registry, 'dakia_outbox_unrelayed').set({}, looks);
  });
  const text = await registry.metrics();
  expect(text).toContain('dakia_facts_relayed_total 3\n');
  expect(text).toContain('dakia_outbox_unrelayed 1\n');
  stop();
  expect(await registry.metrics()).toContain('dakia_outbox_unrelayed 1\n');
  expect(looks).toBe(1);
  expect(registry).toBeInstanceOf(promClient.Registry);
});

test('what is tallied is in the registry when it is read, once, together with what was counted', async () => {
  const registry = createRegistry();
  const relayed = counterOf(registry, 'dakia_facts_relayed_total');
  const [one, other] = [relayed.tally({}), relayed.tally({})];
  expect(await registry.metrics()).toContain('dakia_facts_relayed_total 0\n');
  one.inc();
  one.inc();
  other.inc();
  relayed.inc({}, 4);
  expect(await registry.metrics()).toContain('dakia_facts_relayed_total 7\n');
  expect(await registry.metrics()).toContain('dakia_facts_relayed_total 7\n');
});
