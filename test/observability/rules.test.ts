import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prometheusFiles } from '#local';
import { metrics } from '#platform/metrics';
import { ROOT } from '#kit/root';
import { allAlerts, ruleFiles, ruleFilePath } from '../../tools/observability/all-rules.ts';
import { renderPromtoolTests } from '../../tools/observability/promtool-tests.ts';
import { renderRules } from '../../tools/observability/rules.ts';
import type { Group } from '../../tools/observability/rules.ts';

/** A history of a week, evaluated every quarter of an hour, is the longest. */
const LIMIT_MS = 120_000;
const FETCH_LIMIT_MS = 300_000;

let folder = '';
let promtool = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dakia-rules-'));
  ({ promtool } = prometheusFiles());
}, FETCH_LIMIT_MS);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (...args: readonly string[]): { readonly ok: boolean; readonly said: string } => {
  const { status, stdout, stderr } = spawnSync(promtool, [...args], { encoding: 'utf8' });
  return { ok: status === 0, said: `${stdout}${stderr}` };
};

/** What promtool says of the histories of a group, played over its rules. */
const play = (group: Group, rules: Group = group) => {
  const file = join(folder, `${group.name}.yaml`);
  writeFileSync(file, renderRules([rules]));
  const tests = renderPromtoolTests(file, group).map((text, index) => {
    const path = join(folder, `${group.name}.${index}.test.yaml`);
    writeFileSync(path, text);
    return path;
  });
  return run('test', 'rules', ...tests);
};

const groups = Object.values(ruleFiles).flat();

test('Prometheus takes the committed rules', () => {
  for (const name of Object.keys(ruleFiles))
    expect(run('check', 'rules', join(ROOT, ruleFilePath(name)))).toMatchObject({ ok: true });
});

test('Prometheus takes the settings of the profile observe', () => {
  const config = join(ROOT, 'deploy', 'observability', 'prometheus.yaml');
  expect(run('check', 'config', '--syntax-only', config)).toMatchObject({ ok: true });
});

test.each(groups.map((group) => [group.name, group] as const))(
  'every alert of %s fires in its history with its number, and not in the others',
  (_, group) => {
    const { ok, said } = play(group);
    expect(ok ? '' : said).toBe('');
  },
  LIMIT_MS,
);

test(
  'a threshold that has moved fails its history',
  () => {
    const group = groups.find(({ name }) => name === 'dakia-kept-aside');
    if (group === undefined) throw new Error('there is no such group');
    const moved = {
      ...group,
      alerts: (group.alerts ?? []).map((alert) => ({ ...alert, expr: alert.expr.replace('> 3600', '> 36000') })),
    };
    expect(play(group, moved)).toMatchObject({ ok: false });
  },
  LIMIT_MS,
);

test('every metric of Dakia that a rule names is declared', () => {
  const declared = new Set(Object.keys(metrics));
  const named = [...JSON.stringify(ruleFiles).matchAll(/\bdakia_[a-z_]+/g)].map(([name]) =>
    declared.has(name) ? name : name.replace(/_(bucket|count|sum)$/, ''),
  );
  expect(named.length).toBeGreaterThan(allAlerts.length);
  expect([...new Set(named)].filter((name) => !declared.has(name))).toEqual([]);
});

test('a name means one alert for each severity', () => {
  const names = allAlerts.map(({ name, severity }) => `${name} ${severity}`);
  expect(new Set(names).size).toBe(names.length);
});
