import { slos } from '../slos.ts';
import { lines, number, of, perSecond } from './panels.ts';
import type { Dashboard, Panel } from './panels.ts';

const KEPT = 'outcome=~"accepted|quarantined"';

const budgets: readonly Panel[] = slos.map(({ name, promise, panel }) =>
  number(
    panel.title,
    'percentunit',
    `${promise} What is left of what may go wrong within 30 days; below 0 the promise is broken.`,
    `min(slo:period_error_budget_remaining:ratio{sloth_slo="${name}",namespace=~"$namespace"})`,
    { redFrom: -0.1 },
  ),
);

export const overview: Dashboard = {
  name: 'overview',
  title: 'Dakia / Overview',
  says: 'Where events are on their way, what is left of the promises, and whether anything is lost.',
  rows: [
    {
      title: 'Flow: received → acknowledged → applied → notified',
      panels: [
        number(
          'Received',
          'ops',
          'Deliveries per second, also refused ones.',
          `sum(${perSecond('dakia_ingest_deliveries_total')})`,
        ),
        number(
          'Acknowledged',
          'ops',
          'Durable in Kafka and answered 200. Less than received: see the ingest dashboard.',
          `sum(${perSecond('dakia_ingest_deliveries_total', KEPT)})`,
        ),
        number(
          'Applied',
          'ops',
          'Records whose outcome is final. Less than acknowledged for long: see the consumers dashboard.',
          `sum(${perSecond('dakia_consumed_events_total')})`,
        ),
        number(
          'Notified',
          'ops',
          'Notifications that a receiver has taken. Not every event asks for one.',
          `sum(${perSecond('dakia_notification_attempts_total', 'outcome="delivered"')})`,
        ),
        number(
          'Waiting',
          'short',
          'Events in Kafka that are not applied yet.',
          `sum(max by (topic, partition) (${of('dakia_ledger_lag_records')}))`,
        ),
        number(
          'Difference',
          'short',
          'Events that Kafka took and that are in no account. Anything but 0 is a loss or a double count.',
          `sum(abs(max by (topic) (${of('dakia_account_difference')})))`,
          { redFrom: 1 },
        ),
      ],
    },
    { title: 'Promises: what is left of 30 days', panels: budgets },
    {
      title: 'Over time',
      panels: [
        lines('Events per second', 'ops', 'The flow as lines: they lie on each other while nothing waits.', [
          { expr: `sum(${perSecond('dakia_ingest_deliveries_total', KEPT)})`, legend: 'acknowledged' },
          { expr: `sum(${perSecond('dakia_consumed_events_total')})`, legend: 'applied' },
        ]),
        lines(
          'Burn rate',
          'short',
          'How many times faster than allowed a promise uses its budget. 1 is just allowed; 14.4 pages.',
          [
            {
              expr: 'max by (sloth_slo) (slo:current_burn_rate:ratio{namespace=~"$namespace"})',
              legend: '{{sloth_slo}}',
            },
          ],
        ),
        lines('Account', 'short', 'What became of all records that Kafka took.', [
          {
            expr: `sum by (figure) (max by (topic, figure) (${of('dakia_account_records', 'figure!="accepted"')}))`,
            legend: '{{figure}}',
          },
        ]),
        lines('Firing alerts', 'short', 'Alerts that fire now. The watchdog always does.', [
          {
            expr: 'count by (alertname, severity) (ALERTS{alertname=~"Dakia.*",alertstate="firing"})',
            legend: '{{alertname}} ({{severity}})',
          },
        ]),
      ],
    },
  ],
};
