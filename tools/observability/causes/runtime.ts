import type { Group } from '../rules.ts';

const runtime = (title: string) => ({ dashboard: 'runtime', title });
const NAMESPACE = { namespace: 'payments' };

/** Processes and what they need. These are causes, so they are tickets: the promises page. */
export const runtimeCauses: Group = {
  name: 'dakia-runtime',
  alerts: [
    {
      name: 'DakiaDependencyDown',
      severity: 'ticket',
      expr: 'count by (namespace, dependency) (dakia_dependency_up == 0)',
      for: '1m',
      summary: '{{ $labels.dependency }} does not answer {{ $value }} of our processes',
      panel: runtime('Dependencies'),
      fires: {
        series: {
          'dakia_dependency_up{namespace="payments",dependency="postgres",pod="a"}': '1 0x5',
          'dakia_dependency_up{namespace="payments",dependency="postgres",pod="b"}': '1x6',
        },
        at: '3m',
        labels: { ...NAMESPACE, dependency: 'postgres' },
        summary: 'postgres does not answer 1 of our processes',
      },
      quiet: [{ series: { 'dakia_dependency_up{namespace="payments",dependency="postgres"}': '1 0 1x5' }, at: '3m' }],
    },
    {
      name: 'DakiaPoolExhausted',
      severity: 'ticket',
      expr: `dakia_postgres_pool_waiting > 0
and dakia_postgres_pool_in_use >= 0.9 * dakia_postgres_pool_max`,
      for: '5m',
      summary: '{{ $value }} requests of {{ $labels.pool }} wait for a connection to Postgres, and all are in use',
      panel: runtime('Connections to Postgres'),
      fires: {
        series: {
          'dakia_postgres_pool_waiting{namespace="payments",pool="payments"}': '0 3x10',
          'dakia_postgres_pool_in_use{namespace="payments",pool="payments"}': '8x11',
          'dakia_postgres_pool_max{namespace="payments",pool="payments"}': '8x11',
        },
        at: '7m',
        labels: { ...NAMESPACE, pool: 'payments' },
        summary: '3 requests of payments wait for a connection to Postgres, and all are in use',
      },
      quiet: [
        {
          series: {
            'dakia_postgres_pool_waiting{namespace="payments",pool="payments"}': '0 3 0x10',
            'dakia_postgres_pool_in_use{namespace="payments",pool="payments"}': '8x11',
            'dakia_postgres_pool_max{namespace="payments",pool="payments"}': '8x11',
          },
          at: '7m',
        },
      ],
    },
    {
      name: 'DakiaMigrationMismatch',
      severity: 'ticket',
      expr: 'max by (namespace) (dakia_migrations_expected) > max by (namespace) (dakia_migrations_applied)',
      for: '10m',
      summary: 'Processes expect migration {{ $value }}, and the database does not have it',
      panel: runtime('Migrations'),
      fires: {
        series: {
          'dakia_migrations_expected{namespace="payments"}': '12x20',
          'dakia_migrations_applied{namespace="payments"}': '11x20',
        },
        at: '15m',
        labels: NAMESPACE,
        summary: 'Processes expect migration 12, and the database does not have it',
      },
      quiet: [
        {
          series: {
            'dakia_migrations_expected{namespace="payments"}': '12x20',
            'dakia_migrations_applied{namespace="payments"}': '11x5 12x20',
          },
          at: '15m',
        },
      ],
    },
    {
      name: 'DakiaTargetDown',
      severity: 'ticket',
      expr: 'count by (namespace, job) (up{job=~".*dakia.*"} == 0)',
      for: '5m',
      summary: '{{ $value }} processes of {{ $labels.job }} do not answer the scrape',
      panel: runtime('Processes'),
      fires: {
        series: { 'up{namespace="payments",job="payments/dakia",pod="a"}': '1 0x10' },
        at: '7m',
        labels: { ...NAMESPACE, job: 'payments/dakia' },
        summary: '1 processes of payments/dakia do not answer the scrape',
      },
      quiet: [{ series: { 'up{namespace="payments",job="payments/dakia",pod="a"}': '1 0 0 1x10' }, at: '7m' }],
    },
    {
      name: 'DakiaRestartsOften',
      severity: 'ticket',
      expr: 'max by (namespace, job, instance) (changes(process_start_time_seconds{job=~".*dakia.*"}[30m])) > 3',
      summary: '{{ $labels.instance }} started {{ $value }} times within 30 minutes',
      panel: runtime('Age of a process'),
      fires: {
        series: {
          'process_start_time_seconds{namespace="payments",job="payments/dakia",instance="10.0.0.1:9400"}': '1+1x6',
        },
        at: '5m',
        labels: { ...NAMESPACE, job: 'payments/dakia', instance: '10.0.0.1:9400' },
        summary: '10.0.0.1:9400 started 5 times within 30 minutes',
      },
      quiet: [
        {
          series: {
            'process_start_time_seconds{namespace="payments",job="payments/dakia",instance="10.0.0.1:9400"}': '1x3 2x3',
          },
          at: '5m',
        },
      ],
    },
    {
      name: 'DakiaEventLoopSlow',
      severity: 'ticket',
      expr: 'max by (namespace, job, instance) (nodejs_eventloop_lag_p99_seconds{job=~".*dakia.*"}) > 0.5',
      for: '5m',
      summary: 'The event loop of {{ $labels.instance }} is held up for {{ $value | printf "%.1f" }} s at a time',
      panel: runtime('Event loop: 99th percentile of the delay'),
      fires: {
        series: {
          'nodejs_eventloop_lag_p99_seconds{namespace="payments",job="payments/dakia",instance="10.0.0.1:9400"}':
            '0.7x10',
        },
        at: '7m',
        labels: { ...NAMESPACE, job: 'payments/dakia', instance: '10.0.0.1:9400' },
        summary: 'The event loop of 10.0.0.1:9400 is held up for 0.7 s at a time',
      },
      quiet: [
        {
          series: {
            'nodejs_eventloop_lag_p99_seconds{namespace="payments",job="payments/dakia",instance="10.0.0.1:9400"}':
              '0.4x10',
          },
          at: '7m',
        },
      ],
    },
    {
      name: 'DakiaWatchdog',
      severity: 'none',
      expr: 'vector(1)',
      summary: 'Always fires: whoever stops hearing it knows that alerts no longer arrive',
      panel: runtime('Processes'),
      fires: {
        series: {},
        at: '1m',
        summary: 'Always fires: whoever stops hearing it knows that alerts no longer arrive',
      },
      quiet: 'never',
    },
  ],
};
