import promClient from 'prom-client';
import type { Registry } from 'prom-client';
import type { Batcher, BatcherObserver } from './batcher.ts';
import type { FailureKind } from './failure.ts';

const RECORDS_BUCKETS = [1, 2, 5, 10, 20, 50, 100, 150, 200];
const SECONDS_BUCKETS = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 3.3];

export interface ProducerMetrics extends BatcherObserver {
  readonly failed: (kind: FailureKind) => void;
  readonly replaced: () => void;
  readonly watch: (load: Batcher['load'], missingTopics: () => number) => void;
}

export const createProducerMetrics = (registry: Registry): ProducerMetrics => {
  const registers = [registry];
  const batchRecords = new promClient.Histogram({
    name: 'dakia_producer_batch_records',
    help: 'Records per batch sent to Kafka.',
    buckets: RECORDS_BUCKETS,
    registers,
  });
  const batchSeconds = new promClient.Histogram({
    name: 'dakia_producer_batch_seconds',
    help: 'Time from sending a batch to its outcome.',
    labelNames: ['result'],
    buckets: SECONDS_BUCKETS,
    registers,
  });
  const failures = new promClient.Counter({
    name: 'dakia_producer_failures_total',
    help: 'Sends and connection attempts that failed, by kind.',
    labelNames: ['kind'],
    registers,
  });
  const replacements = new promClient.Counter({
    name: 'dakia_producer_client_replacements_total',
    help: 'Kafka clients given up because a send did not settle or a topic went away.',
    registers,
  });
  return {
    sent: (records) => batchRecords.observe(records),
    settled: (result, ms) => batchSeconds.observe({ result }, ms / 1000),
    failed: (kind) => failures.inc({ kind }),
    replaced: () => replacements.inc(),
    watch: (load, missingTopics) => {
      const gauge = (name: string, help: string, read: () => number): void => {
        new promClient.Gauge({
          name,
          help,
          registers,
          collect() {
            this.set(read());
          },
        });
      };
      gauge('dakia_producer_unanswered_records', 'Records accepted and not answered yet.', () => load().records);
      gauge(
        'dakia_producer_unanswered_bytes',
        'Bytes of the records accepted and not answered yet.',
        () => load().bytes,
      );
      gauge('dakia_producer_batches_in_flight', 'Batches on their way to Kafka.', () => load().batches);
      gauge('dakia_producer_circuit_open', '1 while Kafka is taken for down and only probes are sent.', () =>
        load().circuitOpen ? 1 : 0,
      );
      gauge('dakia_producer_missing_topics', 'Topics that do not exist in Kafka.', missingTopics);
    },
  };
};
