import promClient from 'prom-client';
import type { Registry } from 'prom-client';
import { oncePer } from '#rules';
import type { Batcher, BatcherObserver } from './batcher.ts';
import type { FailureKind } from './failure.ts';

const RECORDS_BUCKETS = [1, 2, 5, 10, 20, 50, 100, 150, 200];
const SECONDS_BUCKETS = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 3.3];

/** What a producer is asked on a scrape. */
interface Watched {
  readonly client: string;
  readonly load: Batcher['load'];
  readonly missingTopics: () => number;
}

export interface ProducerMetrics extends BatcherObserver {
  readonly failed: (kind: FailureKind) => void;
  readonly replaced: () => void;
  /** Shows the load until what it returns is called. */
  readonly watch: (load: Batcher['load'], missingTopics: () => number) => () => void;
}

/** Label `client`: the producer's client id, one for each use of a producer in a process, so that they do not blur each other. */
const instrumentsOf = oncePer((registry: Registry) => {
  const registers = [registry];
  const labelNames = ['client'] as const;
  const watched = new Set<Watched>();
  const gauge = (name: string, help: string, read: (of: Watched) => number): void => {
    new promClient.Gauge({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const one of watched) this.inc({ client: one.client }, read(one));
      },
    });
  };
  gauge('dakia_producer_unanswered_records', 'Records accepted and not answered yet.', ({ load }) => load().records);
  gauge(
    'dakia_producer_unanswered_bytes',
    'Bytes of the records accepted and not answered yet.',
    ({ load }) => load().bytes,
  );
  gauge('dakia_producer_batches_in_flight', 'Batches on their way to Kafka.', ({ load }) => load().batches);
  gauge('dakia_producer_circuit_open', '1 while Kafka is taken for down and only probes are sent.', ({ load }) =>
    load().circuitOpen ? 1 : 0,
  );
  gauge('dakia_producer_missing_topics', 'Topics that do not exist in Kafka.', ({ missingTopics }) => missingTopics());
  return {
    watched,
    batchRecords: new promClient.Histogram({
      name: 'dakia_producer_batch_records',
      help: 'Records per batch sent to Kafka.',
      labelNames,
      buckets: RECORDS_BUCKETS,
      registers,
    }),
    batchSeconds: new promClient.Histogram({
      name: 'dakia_producer_batch_seconds',
      help: 'Time from sending a batch to its outcome.',
      labelNames: ['client', 'result'] as const,
      buckets: SECONDS_BUCKETS,
      registers,
    }),
    failures: new promClient.Counter({
      name: 'dakia_producer_failures_total',
      help: 'Sends and connection attempts that failed, by kind.',
      labelNames: ['client', 'kind'] as const,
      registers,
    }),
    replacements: new promClient.Counter({
      name: 'dakia_producer_client_replacements_total',
      help: 'Kafka clients given up because a send did not settle or a topic went away.',
      labelNames,
      registers,
    }),
  };
});

/** `client`: a client id of a fixed few. */
export const producerMetricsOf = (registry: Registry, client: string): ProducerMetrics => {
  const { watched, batchRecords, batchSeconds, failures, replacements } = instrumentsOf(registry);
  replacements.inc({ client }, 0);
  return {
    sent: (records) => batchRecords.observe({ client }, records),
    settled: (result, ms) => batchSeconds.observe({ client, result }, ms / 1000),
    failed: (kind) => failures.inc({ client, kind }),
    replaced: () => replacements.inc({ client }),
    watch: (load, missingTopics) => {
      const one = { client, load, missingTopics };
      watched.add(one);
      return () => void watched.delete(one);
    },
  };
};
