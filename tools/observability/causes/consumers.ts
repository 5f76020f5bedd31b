import type { Group } from '../rules.ts';
import { exactPromise } from '../slos.ts';

const consumers = (title: string) => ({ dashboard: 'consumers', title });
const NAMESPACE = { namespace: 'payments' };
const TOPIC = 'rzp.payments.v1';
const OF_TOPIC = `namespace="payments",topic="${TOPIC}"`;

/** What keeps events from becoming rows. The figures are the reporter's, which is there while a consumer is not. */
export const consumerCauses: Group = {
  name: 'dakia-consumers',
  alerts: [
    {
      name: 'DakiaPartitionStalled',
      severity: 'page',
      // The reporter sees it while a consumer is away, the consumer while Postgres is.
      expr: `max by (namespace, topic, partition) (dakia_ledger_stalled_seconds) > 120
or max by (namespace, topic, partition) (dakia_partition_stalled_seconds) > 120`,
      for: '1m',
      summary:
        'Partition {{ $labels.partition }} of {{ $labels.topic }} has not moved for {{ $value | humanizeDuration ' +
        '}} although events wait',
      panel: consumers('Time without progress'),
      fires: {
        series: { [`dakia_ledger_stalled_seconds{${OF_TOPIC},partition="3"}`]: '0+60x10' },
        at: '5m',
        labels: { ...NAMESPACE, topic: TOPIC, partition: '3' },
        summary: `Partition 3 of ${TOPIC} has not moved for 5m 0s although events wait`,
      },
      quiet: [{ series: { [`dakia_ledger_stalled_seconds{${OF_TOPIC},partition="3"}`]: '0 60 120 0x10' }, at: '5m' }],
    },
    {
      name: 'DakiaPartitionHalted',
      severity: 'page',
      expr: 'max by (namespace, topic) (dakia_ledger_halted) > 0',
      summary:
        '{{ $value }} partitions of {{ $labels.topic }} stand still until somebody decides: the ' +
        'ledger and Kafka disagree',
      panel: consumers('Halted partitions'),
      fires: {
        series: { [`dakia_ledger_halted{${OF_TOPIC}}`]: '0 2x5' },
        at: '2m',
        labels: { ...NAMESPACE, topic: TOPIC },
        summary: `2 partitions of ${TOPIC} stand still until somebody decides: the ledger and Kafka disagree`,
      },
      quiet: [{ series: { [`dakia_ledger_halted{${OF_TOPIC}}`]: '2 0x5' }, at: '2m' }],
    },
    {
      name: 'DakiaLagOld',
      severity: 'page',
      expr: 'max by (namespace, topic) (dakia_ledger_lag_seconds) > 120',
      for: '2m',
      summary: 'The oldest event of {{ $labels.topic }} that is not applied is {{ $value | humanizeDuration }} old',
      panel: consumers('Age of the oldest unapplied event'),
      fires: {
        series: { [`dakia_ledger_lag_seconds{${OF_TOPIC},partition="0"}`]: '0+60x10' },
        at: '6m',
        labels: { ...NAMESPACE, topic: TOPIC },
        summary: `The oldest event of ${TOPIC} that is not applied is 6m 0s old`,
      },
      quiet: [{ series: { [`dakia_ledger_lag_seconds{${OF_TOPIC},partition="0"}`]: '0 60 100x10' }, at: '6m' }],
    },
    {
      name: 'DakiaLagGrowing',
      severity: 'ticket',
      expr: `sum by (namespace, topic) (max by (namespace, topic, partition) (dakia_ledger_lag_records)) > 1000
and sum by (namespace, topic) (max by (namespace, topic, partition) (deriv(dakia_ledger_lag_records[10m]))) > 0`,
      for: '10m',
      summary: '{{ $value }} events of {{ $labels.topic }} wait, and there are more every minute',
      panel: consumers('Lag'),
      fires: {
        series: { [`dakia_ledger_lag_records{${OF_TOPIC},partition="0"}`]: '0+200x40' },
        at: '25m',
        labels: { ...NAMESPACE, topic: TOPIC },
        summary: `5000 events of ${TOPIC} wait, and there are more every minute`,
      },
      quiet: [
        { series: { [`dakia_ledger_lag_records{${OF_TOPIC},partition="0"}`]: '9000-100x40' }, at: '25m' },
        { series: { [`dakia_ledger_lag_records{${OF_TOPIC},partition="0"}`]: '0+20x40' }, at: '25m' },
      ],
    },
    {
      name: 'DakiaPartitionsUnassigned',
      severity: 'page',
      expr: `count by (namespace) (max by (namespace, topic, partition) (dakia_ledger_lag_records))
- (sum by (namespace) (dakia_consumer_assigned_partitions) or 0 * count by (namespace) (dakia_ledger_lag_records))
> 0`,
      for: '5m',
      summary: '{{ $value }} partitions have no consumer: what comes there waits',
      panel: consumers('Assigned partitions'),
      fires: {
        series: {
          [`dakia_ledger_lag_records{${OF_TOPIC},partition="0"}`]: '0x20',
          [`dakia_ledger_lag_records{${OF_TOPIC},partition="1"}`]: '0x20',
          'dakia_consumer_assigned_partitions{namespace="payments",group="payments",pod="a"}': '2 2 1x20',
        },
        at: '8m',
        labels: NAMESPACE,
        summary: '1 partitions have no consumer: what comes there waits',
      },
      quiet: [
        {
          series: {
            [`dakia_ledger_lag_records{${OF_TOPIC},partition="0"}`]: '0x20',
            [`dakia_ledger_lag_records{${OF_TOPIC},partition="1"}`]: '0x20',
            'dakia_consumer_assigned_partitions{namespace="payments",group="payments",pod="a"}': '2 2 1x20',
            'dakia_consumer_assigned_partitions{namespace="payments",group="payments",pod="b"}': '0 0 1x20',
          },
          at: '8m',
        },
      ],
    },
    {
      name: 'DakiaBatchesFailing',
      severity: 'ticket',
      expr: 'sum by (namespace, topic) (increase(dakia_batch_failures_total[10m])) > 5',
      for: '5m',
      summary:
        '{{ $value | printf "%.0f" }} batches of {{ $labels.topic }} failed within 10 minutes and are tried again',
      panel: consumers('Failed batches'),
      fires: {
        series: { [`dakia_batch_failures_total{${OF_TOPIC}}`]: '0+2x30' },
        at: '20m',
        labels: { ...NAMESPACE, topic: TOPIC },
        summary: `20 batches of ${TOPIC} failed within 10 minutes and are tried again`,
      },
      quiet: [{ series: { [`dakia_batch_failures_total{${OF_TOPIC}}`]: '0 4x30' }, at: '20m' }],
    },
    {
      name: exactPromise.alert,
      severity: 'page',
      expr: exactPromise.broken,
      for: '2m',
      summary: '{{ $value }} events of {{ $labels.topic }} that Kafka took are in no account: lost, or counted twice',
      panel: exactPromise.panel,
      fires: {
        series: { [`dakia_account_difference{${OF_TOPIC}}`]: '0 0 -1x10' },
        at: '5m',
        labels: { ...NAMESPACE, topic: TOPIC },
        summary: `1 events of ${TOPIC} that Kafka took are in no account: lost, or counted twice`,
      },
      quiet: [{ series: { [`dakia_account_difference{${OF_TOPIC}}`]: '0 0 1 0x10' }, at: '5m' }],
    },
    {
      name: 'DakiaReporterSilent',
      severity: 'page',
      expr: `time() - max by (namespace) (dakia_reporter_last_look_timestamp_seconds) > 300
unless on (namespace) dakia_dependency_up{dependency=~"kafka|postgres"} == 0
or absent(dakia_reporter_last_look_timestamp_seconds)`,
      for: '2m',
      summary: 'Nobody has looked at lag and account for more than 5 minutes: alerts about them are blind',
      panel: consumers('Age of the last look'),
      fires: {
        series: { 'dakia_reporter_last_look_timestamp_seconds{namespace="payments"}': '0 60 120x20' },
        at: '10m',
        labels: NAMESPACE,
        summary: 'Nobody has looked at lag and account for more than 5 minutes: alerts about them are blind',
      },
      quiet: [
        { series: { 'dakia_reporter_last_look_timestamp_seconds{namespace="payments"}': '0+60x20' }, at: '10m' },
        // Whoever lacks Kafka or Postgres has that alert, and those about what it costs.
        {
          series: {
            'dakia_reporter_last_look_timestamp_seconds{namespace="payments"}': '0 60 120x20',
            'dakia_dependency_up{namespace="payments",dependency="postgres"}': '0x20',
          },
          at: '10m',
        },
      ],
    },
  ],
};
