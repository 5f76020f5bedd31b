import { counterOf, gaugeOf, histogramOf } from '#platform/metrics';
import type { Counter, Gauge, Histogram, Registry } from '#platform/metrics';
import { oncePer } from '#rules';

/** What every consumer of a process reports. */
export interface ConsumerMetrics {
  readonly consumed: Counter<'dakia_consumed_events_total'>;
  readonly batchSeconds: Histogram<'dakia_batch_duration_seconds'>;
  readonly batchRecords: Histogram<'dakia_batch_records'>;
  readonly stageSeconds: Histogram<'dakia_apply_stage_seconds'>;
  readonly failures: Counter<'dakia_batch_failures_total'>;
  readonly lag: Gauge<'dakia_partition_lag'>;
  readonly stalledSeconds: Gauge<'dakia_partition_stalled_seconds'>;
  readonly halted: Gauge<'dakia_partition_halted'>;
  readonly rebalances: Counter<'dakia_consumer_rebalances_total'>;
  readonly assigned: Gauge<'dakia_consumer_assigned_partitions'>;
}

export const consumerMetrics = oncePer(
  (registry: Registry): ConsumerMetrics => ({
    consumed: counterOf(registry, 'dakia_consumed_events_total'),
    batchSeconds: histogramOf(registry, 'dakia_batch_duration_seconds'),
    batchRecords: histogramOf(registry, 'dakia_batch_records'),
    stageSeconds: histogramOf(registry, 'dakia_apply_stage_seconds'),
    failures: counterOf(registry, 'dakia_batch_failures_total'),
    lag: gaugeOf(registry, 'dakia_partition_lag'),
    stalledSeconds: gaugeOf(registry, 'dakia_partition_stalled_seconds'),
    halted: gaugeOf(registry, 'dakia_partition_halted'),
    rebalances: counterOf(registry, 'dakia_consumer_rebalances_total'),
    assigned: gaugeOf(registry, 'dakia_consumer_assigned_partitions'),
  }),
);
