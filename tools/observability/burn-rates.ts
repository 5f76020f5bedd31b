/**
 * Recording rules and burn-rate alerts of the SLOs. Windows and factors are those of the SRE workbook for 30 days; the
 * names of the series are those of Sloth, so that its public dashboards work.
 */
import type { Alert, Group, History, Recording, Seen } from './rules.ts';
import { PERIOD_DAYS } from './slos.ts';
import type { Slo } from './slos.ts';

interface Pair {
  readonly long: string;
  readonly short: string;
  /** How many times faster than allowed the budget burns. */
  readonly factor: number;
}

/**
 * Two percent of the budget in an hour, five in six hours; ten in a
 * day, ten in three days. Pairs of one severity are or-ed.
 */
const PAIRS: Readonly<Record<'page' | 'ticket', readonly [Pair, Pair]>> = {
  page: [
    { long: '1h', short: '5m', factor: 14.4 },
    { long: '6h', short: '30m', factor: 6 },
  ],
  ticket: [
    { long: '1d', short: '2h', factor: 3 },
    { long: '3d', short: '6h', factor: 1 },
  ],
};
const WINDOWS = ['5m', '30m', '1h', '2h', '6h', '1d', '3d'] as const;
/** Below this many bad ones within the long window nobody is called: one failure of few is no rate. */
const BAD_MIN = 3;

const budgetOf = ({ objective }: Slo): number => Number((1 - objective).toFixed(6));
const over = (query: string, window: string): string => query.replaceAll('$window', window);
const idOf = ({ name }: Slo): string => `dakia-${name}`;
const labelsOf = (slo: Slo): Readonly<Record<string, string>> => ({
  sloth_id: idOf(slo),
  sloth_service: 'dakia',
  sloth_slo: slo.name,
});
const ratio = (slo: Slo, window: string): string => `slo:sli_error:ratio_rate${window}{sloth_id="${idOf(slo)}"}`;

/** 0 also where nothing bad has been counted yet, and so has no series. */
const shareOfBad = (slo: Slo, window: string): string => {
  const all = over(slo.all, window);
  return `((${over(slo.bad, window)}) or 0 * (${all})) / (${all} > 0)`;
};

/** The bad ones of the long window, as a number. */
const badWithin = (slo: Slo, window: string): string => over(slo.bad, window).replaceAll('rate(', 'increase(');

const recordingsOf = (slo: Slo): readonly Recording[] => {
  const labels = labelsOf(slo);
  const selector = `{sloth_id="${idOf(slo)}"}`;
  const period = `${PERIOD_DAYS}d`;
  return [
    ...WINDOWS.map((window) => ({
      record: `slo:sli_error:ratio_rate${window}`,
      expr: shareOfBad(slo, window),
      labels: { ...labels, sloth_window: window },
    })),
    {
      record: `slo:sli_error:ratio_rate${period}`,
      expr: `avg_over_time(slo:sli_error:ratio_rate5m${selector}[${period}])`,
      labels: { ...labels, sloth_window: period },
    },
    { record: 'slo:objective:ratio', expr: `vector(${slo.objective})`, labels },
    { record: 'slo:error_budget:ratio', expr: `vector(${budgetOf(slo)})`, labels },
    { record: 'slo:time_period:days', expr: `vector(${PERIOD_DAYS})`, labels },
    {
      record: 'slo:current_burn_rate:ratio',
      expr:
        'sum by (namespace, sloth_id, sloth_service, sloth_slo) ' +
        `(slo:sli_error:ratio_rate5m${selector}) / ${budgetOf(slo)}`,
      labels,
    },
    {
      record: 'slo:period_error_budget_remaining:ratio',
      expr:
        '1 - sum by (namespace, sloth_id, sloth_service, sloth_slo) ' +
        `(slo:sli_error:ratio_rate${period}${selector}) / ${budgetOf(slo)}`,
      labels,
    },
  ];
};

const pairExpr = (slo: Slo, { long, short, factor }: Pair): string => {
  const threshold = `${factor} * ${budgetOf(slo)}`;
  return [
    `max by (namespace) (${ratio(slo, long)} > ${threshold})`,
    `and max by (namespace) (${ratio(slo, short)} > ${threshold})`,
    `and (${badWithin(slo, long)}) >= ${BAD_MIN}`,
  ].join('\n');
};

const percent = (ratio: number): string => `${Number((ratio * 100).toFixed(4))}%`;

const MINUTES = 180;
const PER_MINUTE = 20_000;
/** Three hours in which so many times the allowed share was bad; longer windows see what there is. */
const burning = (slo: Slo, factor: number, at: string): History => {
  const bad = Math.round(budgetOf(slo) * factor * PER_MINUTE);
  return { series: seriesOf(slo, PER_MINUTE - bad, bad), at };
};
/** Two bad ones, of so few that their share is high. */
const few = (slo: Slo): History => ({ series: seriesOf(slo, 1, 0, `0 0 1 2x${MINUTES}`), at: '20m' });
const seriesOf = (slo: Slo, good: number, bad: number, badValues = `0+${bad}x${MINUTES}`) =>
  Object.fromEntries(
    Object.entries(slo.sample).map(([series, counts]) => [
      series,
      counts === 'bad' ? badValues : `0+${counts === 'good' ? good : good + bad}x${MINUTES}`,
    ]),
  );

const NAMESPACE = { namespace: 'payments' };
const allowedBy = (slo: Slo): string => `; ${percent(budgetOf(slo))} are allowed over ${PERIOD_DAYS} days`;
const saying = (slo: Slo, factor: number): string => `${percent(budgetOf(slo) * factor)} ${slo.unit}${allowedBy(slo)}`;
/** What the ticket says while so many times the allowed share is bad: it fires beside the page, too. */
const ticket = (slo: Slo, factor: number): Seen => ({
  severity: 'ticket',
  labels: NAMESPACE,
  summary: saying(slo, factor),
});
/** Above the factors of both pages, between those of tickets and pages, below those of tickets. */
const [FAST, SLOW, SLOWEST] = [20, 5, 0.5];

const alertOf = (slo: Slo, severity: 'page' | 'ticket') => ({
  name: slo.alert,
  severity,
  expr: PAIRS[severity].map((pair) => `(\n${pairExpr(slo, pair)}\n)`).join('\nor\n'),
  labels: labelsOf(slo),
  summary: `{{ $value | humanizePercentage }} ${slo.unit}${allowedBy(slo)}`,
  panel: slo.panel,
});

const pageOf = (slo: Slo): Alert => ({
  ...alertOf(slo, 'page'),
  fires: {
    ...burning(slo, FAST, '20m'),
    labels: NAMESPACE,
    summary: saying(slo, FAST),
    alongside: [ticket(slo, FAST)],
  },
  quiet: [{ ...burning(slo, SLOW, '3h'), alongside: [ticket(slo, SLOW)] }, few(slo)],
});

const ticketOf = (slo: Slo): Alert => ({
  ...alertOf(slo, 'ticket'),
  fires: { ...burning(slo, SLOW, '3h'), ...ticket(slo, SLOW) },
  quiet: [burning(slo, SLOWEST, '3h'), few(slo)],
});

/** One group for each promise. */
export const burnRateGroups = (slos: readonly Slo[]): readonly Group[] =>
  slos.map((slo) => ({
    name: `dakia-slo-${slo.name}`,
    recordings: recordingsOf(slo),
    alerts: [pageOf(slo), ticketOf(slo)],
  }));
