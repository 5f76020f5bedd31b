/**
 * What Dakia promises, in one place. The recording rules, the burn-rate alerts and the budgets on the overview are made
 * from this list (`burn-rates.ts`). A change here needs `npm run generate`.
 */

/** One promise over `PERIOD_DAYS`: at most `1 - objective` of the counted things may be bad. */
export interface Slo {
  /** Lower case with dashes: the label `sloth_slo`. */
  readonly name: string;
  /** Name of its two alerts and of their runbook. */
  readonly alert: string;
  /** What is promised, in a sentence. */
  readonly promise: string;
  /** Share of good ones, below 1. */
  readonly objective: number;
  /** PromQL: bad things per second. `$window` stands for the range. */
  readonly bad: string;
  /** PromQL: all things per second. */
  readonly all: string;
  /** After a percentage, in the summary of its alerts. */
  readonly unit: string;
  /** The series that it counts, for tests of the rules: what each of them counts. */
  readonly sample: Readonly<Record<string, 'good' | 'bad' | 'all'>>;
  /** Dashboard and panel that show it. */
  readonly panel: Panel;
}

/** A panel of a dashboard, by the names in `dashboards/`. */
export interface Panel {
  readonly dashboard: string;
  readonly title: string;
}

export const PERIOD_DAYS = 30;

/**
 * An upper bound of a histogram as a matcher: prom-client writes `le="1"`, and Prometheus 3 stores it as `1.0`.
 * Bounds without a fraction only.
 */
const atMost = (seconds: number): string => `le=~"${seconds}(\\\\.0)?"`;
const KEPT = 'outcome=~"accepted|quarantined"';

/** All observations of a histogram without those up to a bound, per second. */
const slowerThan = (seconds: number, histogram: string, matchers = ''): string => {
  const inner = matchers === '' ? '' : `{${matchers}}`;
  const upTo = [matchers, atMost(seconds)].filter((part) => part !== '').join(',');
  return (
    `sum by (namespace) (rate(${histogram}_count${inner}[$window])) - sum by (namespace) ` +
    `(rate(${histogram}_bucket{${upTo}}[$window]))`
  );
};
const counted = (histogram: string, matchers = ''): string =>
  `sum by (namespace) (rate(${histogram}_count${matchers === '' ? '' : `{${matchers}}`}[$window]))`;

const overview = (title: string): Panel => ({ dashboard: 'overview', title });

export const slos: readonly Slo[] = [
  {
    name: 'acknowledged',
    alert: 'DakiaAcknowledgementBudgetBurn',
    promise: 'Valid deliveries are acknowledged, not answered 5xx.',
    objective: 0.9995,
    bad: 'sum by (namespace) (rate(dakia_ingest_deliveries_total{outcome="unavailable"}[$window]))',
    all: 'sum by (namespace) (rate(dakia_ingest_deliveries_total{outcome!="refused"}[$window]))',
    unit: 'of the valid deliveries were answered 5xx',
    sample: {
      'dakia_ingest_deliveries_total{namespace="payments",outcome="accepted"}': 'good',
      'dakia_ingest_deliveries_total{namespace="payments",outcome="unavailable"}': 'bad',
    },
    panel: overview('Budget left: acknowledged'),
  },
  {
    name: 'acknowledged-in-time',
    alert: 'DakiaAcknowledgementLatencyBudgetBurn',
    promise: 'Valid deliveries are acknowledged within 1 s.',
    objective: 0.999,
    bad: slowerThan(1, 'dakia_ingest_answer_seconds', KEPT),
    all: counted('dakia_ingest_answer_seconds', KEPT),
    unit: 'of the acknowledgements took longer than 1 s',
    sample: {
      'dakia_ingest_answer_seconds_bucket{namespace="payments",outcome="accepted",le="1"}': 'good',
      'dakia_ingest_answer_seconds_count{namespace="payments",outcome="accepted"}': 'all',
    },
    panel: overview('Budget left: acknowledged within 1 s'),
  },
  {
    name: 'applied',
    alert: 'DakiaAppliedBudgetBurn',
    promise: 'Accepted events are applied within 30 s of their receipt.',
    objective: 0.999,
    bad: slowerThan(30, 'dakia_event_applied_seconds'),
    all: counted('dakia_event_applied_seconds'),
    unit: 'of the events were applied later than 30 s after their receipt',
    sample: {
      'dakia_event_applied_seconds_bucket{namespace="payments",family="payments",le="30"}': 'good',
      'dakia_event_applied_seconds_count{namespace="payments",family="payments"}': 'all',
    },
    panel: overview('Budget left: applied within 30 s'),
  },
  {
    name: 'notified',
    alert: 'DakiaNotifiedBudgetBurn',
    promise: 'Notifications reach their receiver within 60 s of the fact.',
    objective: 0.99,
    bad: slowerThan(60, 'dakia_notification_seconds'),
    all: counted('dakia_notification_seconds'),
    unit: 'of the delivered notifications took longer than 60 s',
    sample: {
      'dakia_notification_seconds_bucket{namespace="payments",destination="order-system",le="60"}': 'good',
      'dakia_notification_seconds_count{namespace="payments",destination="order-system"}': 'all',
    },
    panel: overview('Budget left: notified within 60 s'),
  },
];

/** The promise without a budget: one event is too many. Its alert is made where its cause is looked for. */
export const exactPromise = {
  alert: 'DakiaEventsUnaccounted',
  promise: 'Every event that Kafka took is in exactly one account: the difference is 0.',
  broken: 'max by (namespace, topic) (abs(dakia_account_difference)) > 0',
  panel: overview('Difference'),
} as const;
