import { ruleFiles } from '../../tools/observability/all-rules.ts';
import { renderRules } from '../../tools/observability/rules.ts';
import type { Alert, Group } from '../../tools/observability/rules.ts';

/** Every window is so many times shorter: an hour is a minute. */
export const TIMES_SHORTER = 60;
const SECONDS: Readonly<Record<string, number>> = { m: 60, h: 3_600, d: 86_400 };

const shorter = (duration: string): string => {
  const [, count = '0', unit = 'm'] = /^(\d+)([mhd])$/.exec(duration) ?? [];
  return `${Math.max(1, Math.round((Number(count) * (SECONDS[unit] ?? 1)) / TIMES_SHORTER))}s`;
};
const windows = (expr: string): string =>
  expr
    // There is no last week in a drill; what was two minutes ago stands for it.
    .replaceAll('offset 1w', 'offset 2m')
    .replaceAll(/\[(\d+[mhd])\]/g, (_, duration: string) => `[${shorter(duration)}]`);

/** Ages in seconds that nobody waits for in a drill; a text that is no longer in the rule is an error. */
const AGES: Readonly<Record<string, readonly [string, string]>> = {
  DakiaParkedOld: ['> 3600', '> 10'],
  DakiaPartitionStalled: ['> 120', '> 20'],
  // Not those of any incident here: what waits while another is mended is not what they are about.
  DakiaLagOld: ['> 120', '> 60'],
  DakiaOutboxOld: ['> 300', '> 90'],
  DakiaQueueOld: ['> 300', '> 90'],
  DakiaReporterSilent: ['> 300', '> 45'],
};
/** A restart takes seconds, also in a drill: what is missing meanwhile is not missed. */
const WAITS: Readonly<Record<string, string>> = { DakiaReporterSilent: '45s', DakiaMetricsMissing: '45s' };
const ages = (name: string, expr: string): string => {
  const [from, to] = AGES[name] ?? ['', ''];
  if (!expr.includes(from)) throw new Error(`${name} has no "${from}" any more; see AGES`);
  return expr.replaceAll(from, to);
};

const shortened = (alert: Alert): Alert => ({
  ...alert,
  expr: windows(ages(alert.name, alert.expr)),
  ...(alert.for !== undefined && { for: WAITS[alert.name] ?? shorter(alert.for) }),
});

/** The shipped rules with windows, waits and ages for a drill; recordings keep their names. */
export const renderShortenedRules = (): string => {
  const groups = Object.values(ruleFiles).flat();
  return renderRules(
    groups.map(
      ({ alerts = [], recordings = [], ...group }): Group => ({
        ...group,
        recordings: recordings.map((recording) => ({ ...recording, expr: windows(recording.expr) })),
        alerts: alerts.map(shortened),
      }),
    ),
  );
};
