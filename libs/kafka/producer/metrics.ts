import { beforeScrape, counterOf, gaugeOf, histogramOf } from '#platform/metrics';
import type { ProducerFailureKind, Registry } from '#platform/metrics';
import { oncePer } from '#rules';
import type { Batcher, BatcherObserver } from './batcher.ts';

/** What a producer is asked on a scrape. */
interface Watched {
  readonly client: string;
  readonly load: Batcher['load'];
  readonly missingTopics: () => number;
}

export interface ProducerMetrics extends BatcherObserver {
  readonly failed: (kind: ProducerFailureKind) => void;
  readonly replaced: () => void;
  /** Shows the load until what it returns is called. */
  readonly watch: (load: Batcher['load'], missingTopics: () => number) => () => void;
}

const gauges = {
  dakia_producer_unanswered_records: ({ load }: Watched) => load().records,
  dakia_producer_unanswered_bytes: ({ load }: Watched) => load().bytes,
  dakia_producer_batches_in_flight: ({ load }: Watched) => load().batches,
  dakia_producer_circuit_open: ({ load }: Watched) => (load().circuitOpen ? 1 : 0),
  dakia_producer_missing_topics: ({ missingTopics }: Watched) => missingTopics(),
} as const;
const gaugeNames = Object.keys(gauges) as readonly (keyof typeof gauges)[];

/**
 * Label `client`: the producer's client id, one for each use of a
 * producer in a process, so that they do not blur each other.
 */
const instrumentsOf = oncePer((registry: Registry) => {
  const watched = new Set<Watched>();
  for (const name of gaugeNames) {
    const shown = gaugeOf(registry, name);
    beforeScrape(registry, [name], () => {
      shown.reset();
      const sums = new Map<string, number>();
      for (const one of watched) sums.set(one.client, (sums.get(one.client) ?? 0) + gauges[name](one));
      for (const [client, sum] of sums) shown.set({ client }, sum);
    });
  }
  return {
    watched,
    batchRecords: histogramOf(registry, 'dakia_producer_batch_records'),
    queueSeconds: histogramOf(registry, 'dakia_producer_queue_seconds'),
    batchSeconds: histogramOf(registry, 'dakia_producer_batch_seconds'),
    failures: counterOf(registry, 'dakia_producer_failures_total'),
    replacements: counterOf(registry, 'dakia_producer_client_replacements_total'),
  };
});

/** `client`: a client id of a fixed few. */
export const producerMetricsOf = (registry: Registry, client: string): ProducerMetrics => {
  const { watched, batchRecords, queueSeconds, batchSeconds, failures, replacements } = instrumentsOf(registry);
  replacements.inc({ client }, 0);
  return {
    sent: (records, waitedMs) => {
      batchRecords.observe({ client }, records);
      queueSeconds.observe({ client }, waitedMs / 1000);
    },
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
