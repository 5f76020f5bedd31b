import { stringify } from 'yaml';
import { annotationsOf } from './rules.ts';
import type { Alert, Group, History, Seen } from './rules.ts';

const EVERY = '1m';

const expected = (alert: Alert, { severity, labels, summary }: Seen): object => ({
  exp_labels: { severity, ...alert.labels, ...labels },
  exp_annotations: { ...annotationsOf(alert), summary },
});

/** `fires`: with exactly these labels and this summary; nothing else of that name may fire. */
const testOf = (alert: Alert, history: History, said: string, fires: readonly Seen[]): object => ({
  name: `${alert.name} (${alert.severity}) ${said}`,
  interval: history.every ?? EVERY,
  input_series: Object.entries(history.series).map(([series, values]) => ({ series, values })),
  alert_rule_test: [
    {
      eval_time: history.at,
      alertname: alert.name,
      exp_alerts: [...fires, ...(history.alongside ?? [])].map((seen) => expected(alert, seen)),
    },
  ],
});

const testsOf = (alert: Alert): readonly (readonly [string, object])[] => {
  const { severity, fires, quiet } = alert;
  return [
    [fires.every ?? EVERY, testOf(alert, fires, 'fires', [{ ...fires, severity }])],
    ...(quiet === 'never' ? [] : quiet).map(
      (history, index) => [history.every ?? EVERY, testOf(alert, history, `stays silent, ${index + 1}`, [])] as const,
    ),
  ];
};

/**
 * Unit tests for promtool: every alert of a group fires in its history and in none
 * of the quiet ones. One text for each evaluation interval, because a week of
 * minutes takes minutes. `ruleFile`: absolute path of a file with this group alone.
 */
export const renderPromtoolTests = (ruleFile: string, { alerts = [] }: Group): readonly string[] => {
  const byInterval = Map.groupBy(alerts.flatMap(testsOf), ([every]) => every);
  return [...byInterval].map(([every, tests]) =>
    stringify({ rule_files: [ruleFile], evaluation_interval: every, tests: tests.map(([, test]) => test) }),
  );
};
