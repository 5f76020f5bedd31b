import { gauge, namedBy, oneOf } from '../declaration.ts';
import { pool } from '../label-sets.ts';

/** A process and what it needs. */
export const processMetrics = {
  dakia_build_info: gauge('1, with what this process runs.', {
    version: namedBy('the version of the product'),
    node: namedBy('the version of Node.js'),
  }),
  dakia_dependency_up: gauge(
    'Whether a server that this process works with answers: 1 or 0. It does not decide on readiness.',
    { dependency: oneOf(['kafka', 'postgres', 'redis']) },
  ),
  dakia_postgres_pool_in_use: gauge('Connections that somebody has in hand.', { pool }),
  dakia_postgres_pool_waiting: gauge(
    'Requests that wait for a connection.',
    { pool },
    { movesOnlyWhen: 'more is asked of a pool than it has connections' },
  ),
  dakia_postgres_pool_max: gauge('Connections that the pool may open.', { pool }),
  dakia_migrations_expected: gauge('Migrations that this process knows.', {}),
  dakia_migrations_applied: gauge(
    'Migrations that the database has; another number than expected is a release that does not fit.',
    {},
  ),
} as const;

/** What prom-client itself tells of Node and the process, under its own names. */
export const nodeMetrics = [
  'process_cpu_user_seconds_total',
  'process_cpu_system_seconds_total',
  'process_cpu_seconds_total',
  'process_start_time_seconds',
  'process_resident_memory_bytes',
  'process_virtual_memory_bytes',
  'process_heap_bytes',
  'process_open_fds',
  'process_max_fds',
  'nodejs_eventloop_lag_seconds',
  'nodejs_eventloop_lag_min_seconds',
  'nodejs_eventloop_lag_max_seconds',
  'nodejs_eventloop_lag_mean_seconds',
  'nodejs_eventloop_lag_stddev_seconds',
  'nodejs_eventloop_lag_p50_seconds',
  'nodejs_eventloop_lag_p90_seconds',
  'nodejs_eventloop_lag_p99_seconds',
  'nodejs_active_resources',
  'nodejs_active_resources_total',
  'nodejs_active_handles',
  'nodejs_active_handles_total',
  'nodejs_active_requests',
  'nodejs_active_requests_total',
  'nodejs_heap_size_total_bytes',
  'nodejs_heap_size_used_bytes',
  'nodejs_external_memory_bytes',
  'nodejs_heap_space_size_total_bytes',
  'nodejs_heap_space_size_used_bytes',
  'nodejs_heap_space_size_available_bytes',
  'nodejs_version_info',
  'nodejs_gc_duration_seconds',
] as const;
