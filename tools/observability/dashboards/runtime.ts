import { lines, of, perSecond } from './panels.ts';
import type { Dashboard } from './panels.ts';

const each = (expr: string, name = '{{pod}} {{instance}}') => ({ expr, legend: name });

export const runtime: Dashboard = {
  name: 'runtime',
  title: 'Dakia / Runtime',
  says: 'Processes, and the servers that they need.',
  rows: [
    {
      title: 'Processes',
      panels: [
        lines('Processes', 'short', 'By version. More than one version for long: a rollout is stuck.', [
          { expr: `count by (version, revision) (${of('dakia_build_info')})`, legend: '{{version}} {{revision}}' },
        ]),
        lines('Age of a process', 's', 'Falls to 0 at each start.', [
          each(`time() - ${of('process_start_time_seconds')}`),
        ]),
        lines('CPU', 'percentunit', 'Of one core. Node works on one.', [each(perSecond('process_cpu_seconds_total'))]),
        lines('Memory', 'bytes', 'Resident set.', [each(of('process_resident_memory_bytes'))]),
        lines('Heap in use', 'bytes', 'Of Node.', [each(of('nodejs_heap_size_used_bytes'))]),
        lines('Event loop: 99th percentile of the delay', 's', 'How long the process did nothing else at a time.', [
          each(of('nodejs_eventloop_lag_p99_seconds')),
        ]),
        lines('Garbage collection', 'percentunit', 'Share of the time.', [
          each(`sum by (pod, instance) (${perSecond('nodejs_gc_duration_seconds_sum')})`),
        ]),
        lines('Open files', 'short', 'Sockets among them.', [each(of('process_open_fds'))]),
      ],
    },
    {
      title: 'What they need',
      panels: [
        lines('Dependencies', 'bool_on_off', 'Whether each server answers all processes.', [
          { expr: `min by (dependency) (${of('dakia_dependency_up')})`, legend: '{{dependency}}' },
        ]),
        lines('Connections to Postgres', 'short', 'By pool: in use, waiting for one, and the most that there may be.', [
          { expr: `sum by (pool) (${of('dakia_postgres_pool_in_use')})`, legend: '{{pool}} in use' },
          { expr: `sum by (pool) (${of('dakia_postgres_pool_waiting')})`, legend: '{{pool}} waiting' },
          { expr: `sum by (pool) (${of('dakia_postgres_pool_max')})`, legend: '{{pool}} at most' },
        ]),
        lines('Migrations', 'short', 'The newest that the database has, and the newest that a process knows.', [
          { expr: `max(${of('dakia_migrations_applied')})`, legend: 'applied' },
          { expr: `max(${of('dakia_migrations_expected')})`, legend: 'expected' },
        ]),
      ],
    },
  ],
};
