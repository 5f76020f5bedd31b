import promClient from 'prom-client';
import type { Registry } from 'prom-client';
import { oncePer } from '#rules';

/** What every consumer of a process reports. Labels: topic and partition, which are bounded; never an id. */
export interface ConsumerMetrics {
  readonly consumed: promClient.Counter<'topic'>;
  readonly batchSeconds: promClient.Histogram<'topic' | 'outcome'>;
  readonly failures: promClient.Counter<'topic'>;
  readonly lag: promClient.Gauge<'topic' | 'partition'>;
  readonly stalledSeconds: promClient.Gauge<'topic' | 'partition'>;
  readonly halted: promClient.Gauge<'topic' | 'partition' | 'reason'>;
  readonly rebalances: promClient.Counter<'group'>;
}

export const consumerMetrics = oncePer((registry: Registry): ConsumerMetrics => {
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new promClient.Counter({ name, help, labelNames, registers });
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new promClient.Gauge({ name, help, labelNames, registers });
  return {
    consumed: counter('dakia_consumed_events_total', 'Records whose outcome is final.', ['topic']),
    batchSeconds: new promClient.Histogram({
      name: 'dakia_batch_duration_seconds',
      help: 'Time to apply one batch of a partition.',
      labelNames: ['topic', 'outcome'] as const,
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    }),
    failures: counter(
      'dakia_batch_failures_total',
      'Batches that failed and are tried again: the database is away, or a handler has a bug.',
      ['topic'],
    ),
    lag: gauge('dakia_partition_lag', 'Records of the log that are not applied yet.', ['topic', 'partition']),
    stalledSeconds: gauge(
      'dakia_partition_stalled_seconds',
      'Time since the last progress of a partition with lag; 0 when nothing waits.',
      ['topic', 'partition'],
    ),
    halted: gauge('dakia_partition_halted', '1 while a partition stands still until an operator decides.', [
      'topic',
      'partition',
      'reason',
    ]),
    rebalances: counter('dakia_consumer_rebalances_total', 'Times that the group gave this consumer its partitions.', [
      'group',
    ]),
  };
});
