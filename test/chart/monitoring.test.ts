import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { rendered } from './kit/render.ts';
import type { Manifest } from './kit/render.ts';
import { ROOT } from './kit/tools.ts';

const SOURCE = join(ROOT, 'deploy', 'observability');
const SHOWN = { 'monitoring.prometheusRule.enabled': true, 'monitoring.dashboards.enabled': true };
const ofKind = (objects: readonly Manifest[], kind: string): readonly Manifest[] =>
  objects.filter((object) => object.kind === kind);
const dashboardsIn = (objects: readonly Manifest[]): readonly Manifest[] =>
  ofKind(objects, 'ConfigMap').filter(({ metadata }) => metadata.name.includes('-dashboard-'));
const dataOf = (object: Manifest): Readonly<Record<string, string>> =>
  object['data'] as Readonly<Record<string, string>>;

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly { readonly alert?: string; readonly annotations?: Readonly<Record<string, string>> }[];
  }[];
}
const alertsOf = (rules: Rules) => rules.groups.flatMap((group) => group.rules.filter(({ alert }) => alert));

test('alerts and dashboards are off unless asked for', () => {
  const objects = rendered('minimal');
  for (const kind of ['PrometheusRule', 'PodMonitor', 'ServiceMonitor']) expect(ofKind(objects, kind)).toEqual([]);
  expect(dashboardsIn(objects)).toEqual([]);
});

test('the chart brings every rule file, word for word', () => {
  const rules = ofKind(rendered('minimal', SHOWN), 'PrometheusRule').map(({ spec }) => spec);
  const files = readdirSync(join(SOURCE, 'alerts')).sort();
  expect(files.length).toBeGreaterThan(0);
  expect(rules).toEqual(files.map((name) => parse(readFileSync(join(SOURCE, 'alerts', name), 'utf8')) as unknown));
});

test('the chart brings every dashboard in a ConfigMap of its own, word for word', () => {
  const found = dashboardsIn(rendered('minimal', SHOWN)).map((object) => dataOf(object));
  const files = readdirSync(join(SOURCE, 'dashboards')).sort();
  expect(files.length).toBeGreaterThan(0);
  expect(found.map((data) => Object.keys(data))).toEqual(files.map((name) => [name]));
  for (const name of files) {
    const text = found.find((data) => Object.hasOwn(data, name))?.[name] ?? '{}';
    expect(JSON.parse(text)).toEqual(JSON.parse(readFileSync(join(SOURCE, 'dashboards', name), 'utf8')));
  }
});

test('labels, the place of the dashboards and that of the runbooks are values', () => {
  const objects = rendered('everything');
  const rules = ofKind(objects, 'PrometheusRule');
  expect(rules.length).toBeGreaterThan(0);
  for (const { metadata } of rules) expect(metadata.labels).toMatchObject({ release: 'kube-prometheus-stack' });
  for (const { metadata } of dashboardsIn(objects))
    expect(metadata).toMatchObject({
      namespace: 'grafana',
      labels: { grafana_dashboard: '1' },
      annotations: { grafana_folder: 'Dakia' },
    });
  for (const { alert, annotations } of rules.flatMap(({ spec }) => alertsOf(spec as Rules)))
    expect(annotations?.['runbook_url']).toBe(`https://wiki.example.com/dakia/${alert ?? ''}.md`);
});

test('the metrics are scraped under the job that the alerts look for, by pods or through a headless Service of the second port', () => {
  const [byPods] = ofKind(rendered('everything'), 'PodMonitor');
  expect(byPods?.['spec']).toMatchObject({ jobLabel: 'app.kubernetes.io/name' });

  const objects = rendered('gateway');
  const [monitor] = ofKind(objects, 'ServiceMonitor');
  expect(monitor?.metadata.labels).toMatchObject({ release: 'prometheus' });
  if (monitor === undefined) throw new Error('there is no ServiceMonitor');
  const { jobLabel, podTargetLabels, selector, endpoints } = monitor['spec'] as {
    readonly jobLabel: string;
    readonly podTargetLabels: readonly string[];
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly endpoints: unknown;
  };
  expect({ jobLabel, podTargetLabels, endpoints }).toEqual({
    jobLabel: 'app.kubernetes.io/name',
    podTargetLabels: ['app.kubernetes.io/component'],
    endpoints: [{ port: 'ops', path: '/metrics', interval: '15s' }],
  });
  const found = ofKind(objects, 'Service').filter(({ metadata }) =>
    Object.entries(selector.matchLabels).every(([label, value]) => metadata.labels?.[label] === value),
  );
  expect(found.map(({ metadata }) => metadata.name)).toEqual(['dakia-metrics']);
  expect(found[0]?.['spec']).toMatchObject({
    clusterIP: 'None',
    publishNotReadyAddresses: true,
    ports: [{ name: 'ops', port: 9400, targetPort: 'ops' }],
  });
});
