import { lines, of, perSecond, quantile, spread } from './panels.ts';
import type { Dashboard } from './panels.ts';

export const notifications: Dashboard = {
  name: 'notifications',
  title: 'Dakia / Notifications',
  says: 'Facts of the outbox until a receiver has taken the notification, and deadlines.',
  rows: [
    {
      title: 'Facts',
      panels: [
        lines('Facts', 'ops', 'Facts that became notifications, also none. unusable: could not be understood.', [
          { expr: `sum(${perSecond('dakia_facts_relayed_total')})`, legend: 'relayed' },
          { expr: `sum(${perSecond('dakia_facts_unusable_total')})`, legend: 'unusable' },
        ]),
        lines('Unrelayed facts', 'short', 'Facts that wait.', [
          { expr: `max(${of('dakia_outbox_unrelayed')})`, legend: 'facts' },
        ]),
        lines('Age of the oldest fact', 's', 'Of those that wait.', [
          { expr: `max(${of('dakia_outbox_oldest_seconds')})`, legend: 'age' },
        ]),
        lines('Disputes by time left', 'short', 'Disputes that wait for an answer of the merchant.', [
          {
            expr: `sum by (left) (max by (left, family) (${of('dakia_deadlines_open', 'family="disputes"')}))`,
            legend: '{{left}}',
          },
        ]),
      ],
    },
    {
      title: 'Notifications',
      panels: [
        lines('Attempts by outcome', 'ops', 'By destination.', [
          {
            expr: `sum by (destination, outcome) (${perSecond('dakia_notification_attempts_total')})`,
            legend: '{{destination}} {{outcome}}',
          },
        ]),
        lines('Time from fact to delivery', 's', 'The promise is 60 s.', [
          ...spread('dakia_notification_seconds', 'destination'),
        ]),
        lines('Planned', 'ops', 'Notifications that facts asked for.', [
          {
            expr: `sum by (destination) (${perSecond('dakia_notifications_planned_total')})`,
            legend: '{{destination}}',
          },
        ]),
        lines(
          'Waiting and failed',
          'short',
          'Notifications that wait for their time or another attempt, and those that were given up.',
          [
            {
              expr: `max by (destination, status) (${of('dakia_notifications')})`,
              legend: '{{destination}} {{status}}',
            },
          ],
          { onlyIn: 'a destination is dead' },
        ),
        lines(
          'Destinations left alone',
          'bool_on_off',
          'While it is on, the destination is taken for dead; what it should be told is kept.',
          [{ expr: `max by (destination) (${of('dakia_notification_circuit_open')})`, legend: '{{destination}}' }],
        ),
      ],
    },
    {
      title: 'Queues',
      panels: [
        lines('Age of the oldest job', 's', 'Of those that should run now or run.', [
          { expr: `max by (queue) (${of('dakia_queue_oldest_seconds')})`, legend: '{{queue}}' },
        ]),
        lines('Jobs by state', 'short', 'In Redis.', [
          { expr: `max by (queue, state) (${of('dakia_queue_jobs')})`, legend: '{{queue}} {{state}}' },
        ]),
        lines('Duration of a job', 's', '99th percentile.', [
          { expr: quantile(0.99, 'dakia_job_duration_seconds', 'queue'), legend: '{{queue}}' },
        ]),
        lines('Jobs by outcome', 'ops', 'How runs of jobs ended.', [
          { expr: `sum by (queue, outcome) (${perSecond('dakia_jobs_total')})`, legend: '{{queue}} {{outcome}}' },
        ]),
      ],
    },
  ],
};
