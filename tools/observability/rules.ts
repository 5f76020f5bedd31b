/** What an alert is made of, and how rules become the YAML of Prometheus. */
import { stringify } from 'yaml';
import type { Panel } from './slos.ts';

/** `page` wakes somebody, `ticket` waits for the working day, `none` is for machines (the watchdog). */
export type Severity = 'page' | 'ticket' | 'none';

/**
 * A made-up history that promtool plays: series in its notation (`0+1x10` is
 * 0, 1, … 10), one value each `every`. `at`: when the rules are looked at.
 */
export interface History {
  readonly series: Readonly<Record<string, string>>;
  readonly at: string;
  /** Also how often the rules are looked at; default: 1m. */
  readonly every?: string;
  /** Alerts of the same name and another severity that fire in it, too. */
  readonly alongside?: readonly Seen[];
}

/** A firing alert as people see it. */
export interface Seen {
  readonly severity: Severity;
  readonly labels?: Readonly<Record<string, string>>;
  readonly summary: string;
}

/** A history in which the alert fires, with the labels beside `severity` and the summary that people then read. */
export interface Firing extends History {
  readonly labels?: Readonly<Record<string, string>>;
  readonly summary: string;
}

export interface Alert {
  /** Also the name of its runbook, `docs/runbooks/<name>.md`. */
  readonly name: string;
  readonly severity: Severity;
  readonly expr: string;
  /** How long `expr` has to hold; default: it fires at once. */
  readonly for?: string;
  /** One line with the number, in the template language of Prometheus. */
  readonly summary: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Where to look first. */
  readonly panel: Panel;
  readonly fires: Firing;
  /** The nearest histories in which it must stay silent; `never`: it always fires. */
  readonly quiet: readonly [History, ...History[]] | 'never';
}

export interface Recording {
  readonly record: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface Group {
  readonly name: string;
  readonly interval?: string;
  readonly recordings?: readonly Recording[];
  readonly alerts?: readonly Alert[];
}

const NOTICE = '# Generated from tools/observability by `npm run generate`; edits are lost.\n';
/** From the root of the repository; the chart puts `monitoring.prometheusRule.runbookBase` before the name. */
export const RUNBOOKS = 'docs/runbooks/';

export const annotationsOf = ({ name, summary, panel }: Pick<Alert, 'name' | 'summary' | 'panel'>) => ({
  summary,
  panel: `${panel.dashboard}: ${panel.title}`,
  runbook_url: `${RUNBOOKS}${name}.md`,
});

const ruleOf = (alert: Alert): object => ({
  alert: alert.name,
  expr: alert.expr,
  ...(alert.for !== undefined && { for: alert.for }),
  labels: { severity: alert.severity, ...alert.labels },
  annotations: annotationsOf(alert),
});

const LINE_MAX = 100;

/** A rule file as Prometheus and the `spec` of a PrometheusRule take it. */
export const renderRules = (groups: readonly Group[]): string =>
  NOTICE +
  stringify(
    {
      groups: groups.map(({ name, interval, recordings = [], alerts = [] }) => ({
        name,
        ...(interval !== undefined && { interval }),
        rules: [...recordings, ...alerts.map(ruleOf)],
      })),
    },
    { lineWidth: LINE_MAX },
  );
