import { FAMILY, lines, of, perSecond, quantile, spread } from './panels.ts';
import type { Dashboard } from './panels.ts';

export const consumers: Dashboard = {
  name: 'consumers',
  title: 'Dakia / Consumers',
  says: 'Events from Kafka until they are rows in Postgres.',
  rows: [
    {
      title: 'Behind',
      panels: [
        lines(
          'Age of the oldest unapplied event',
          's',
          'Lag in time, by topic. Seen by the reporter, which is there while a consumer is not.',
          [{ expr: `max by (topic) (${of('dakia_ledger_lag_seconds')})`, legend: '{{topic}}' }],
        ),
        lines('Lag', 'short', 'Events that wait, by topic.', [
          {
            expr: `sum by (topic) (max by (topic, partition) (${of('dakia_ledger_lag_records')}))`,
            legend: '{{topic}}',
          },
        ]),
        lines('Time without progress', 's', 'Of partitions with lag. A partition that does not move is stuck.', [
          {
            expr: `max by (topic, partition) (${of('dakia_ledger_stalled_seconds')})`,
            legend: '{{topic}} {{partition}}',
          },
        ]),
        lines(
          'Assigned partitions',
          'short',
          'Partitions that consumers hold, by group; their sum must be that of all partitions.',
          [
            { expr: `sum by (group) (${of('dakia_consumer_assigned_partitions')})`, legend: '{{group}}' },
            { expr: `count(max by (topic, partition) (${of('dakia_ledger_lag_records')}))`, legend: 'all partitions' },
          ],
        ),
        lines('Halted partitions', 'short', 'Stand still until an operator decides.', [
          { expr: `max by (topic) (${of('dakia_ledger_halted')})`, legend: '{{topic}}' },
        ]),
        lines('Age of the last look', 's', 'How old the figures of the reporter are.', [
          { expr: `time() - max(${of('dakia_reporter_last_look_timestamp_seconds')})`, legend: 'age' },
        ]),
      ],
    },
    {
      title: 'Events',
      panels: [
        lines(
          'Events by what became of them',
          'ops',
          'applied changes a row; duplicate and stale are normal; rejected and parked want a look.',
          [{ expr: `sum by (disposition) (${perSecond('dakia_events_total', FAMILY)})`, legend: '{{disposition}}' }],
        ),
        lines('Time from receipt to row', 's', 'By family. The promise is 30 s.', [
          ...spread('dakia_event_applied_seconds', 'family', FAMILY),
        ]),
        lines('Consumed', 'ops', 'Records whose outcome is final, by topic.', [
          { expr: `sum by (topic) (${perSecond('dakia_consumed_events_total')})`, legend: '{{topic}}' },
        ]),
        lines('Notes', 'ops', 'Applied events that contradict something or show a value nobody knows.', [
          {
            expr: `sum by (family, kind) (${perSecond('dakia_event_notes_total', FAMILY)})`,
            legend: '{{family}} {{kind}}',
          },
        ]),
        lines('Conflicts', 'ops', 'Second bodies under an event id that was taken.', [
          { expr: `sum by (family) (${perSecond('dakia_event_conflicts_total', FAMILY)})`, legend: '{{family}}' },
        ]),
      ],
    },
    {
      title: 'Work',
      panels: [
        lines('Duration of a batch', 's', 'To apply one batch of a partition.', [
          { expr: quantile(0.99, 'dakia_batch_duration_seconds', 'topic, outcome'), legend: '{{topic}} {{outcome}}' },
        ]),
        lines(
          'Duration of a step',
          's',
          '99th percentile by step. lock: rows that others hold; gather: no free connection.',
          [{ expr: quantile(0.99, 'dakia_apply_stage_seconds', 'stage'), legend: '{{stage}}' }],
        ),
        lines('Records per batch', 'short', 'More under load.', [...spread('dakia_batch_records', 'topic')]),
        lines('Events per transaction', 'short', 'Of all partitions that it took together.', [
          ...spread('dakia_transaction_events', 'group'),
        ]),
        lines('Failed batches', 'ops', 'Tried again until they go through.', [
          { expr: `sum by (topic) (${perSecond('dakia_batch_failures_total')})`, legend: '{{topic}}' },
        ]),
        lines('Rebalances', 'short', 'Within 10 minutes. More than a few: consumers come and go.', [
          { expr: `sum by (group) (increase(${of('dakia_consumer_rebalances_total')}[10m]))`, legend: '{{group}}' },
        ]),
      ],
    },
  ],
};
