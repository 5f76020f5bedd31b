import { beforeScrape, counterOf, gaugeOf, histogramOf, queueStates } from '#platform/metrics';
import type { LabelsOf, Registry } from '#platform/metrics';
import { oncePer } from '#rules';
import type { QueueStats } from './contracts.ts';

/** `completed`, `failed` and `stalled` as BullMQ tells them; `later`, `rest` and `unexpected` as the work decided. */
export type CountedOutcome = LabelsOf<'dakia_jobs_total'>['outcome'];

export interface QueueMetrics {
  readonly count: (queue: string, outcome: CountedOutcome) => void;
  /** How long a worker had a job in hand. */
  readonly took: (queue: string, seconds: number) => void;
  /**
   * Adds how a queue is looked at on a scrape; `undefined` while Redis
   * is away, and then the last answer stays. Returns how to stop it.
   */
  readonly onScrape: (queue: string, look: () => Promise<QueueStats | undefined>) => () => void;
}

/** What several workers of a process share. */
export const queueMetricsOf = oncePer((registry: Registry): QueueMetrics => {
  const looks = new Map<string, () => Promise<QueueStats | undefined>>();
  const jobs = counterOf(registry, 'dakia_jobs_total');
  const durations = histogramOf(registry, 'dakia_job_duration_seconds');
  const counts = gaugeOf(registry, 'dakia_queue_jobs');
  const oldest = gaugeOf(registry, 'dakia_queue_oldest_seconds');
  beforeScrape(registry, ['dakia_queue_jobs', 'dakia_queue_oldest_seconds'], async () => {
    await Promise.all(
      [...looks].map(async ([queue, look]) => {
        const seen = await look();
        if (seen === undefined) return;
        for (const state of queueStates) counts.set({ queue, state }, seen[state]);
        oldest.set({ queue }, (seen.oldestMs ?? 0) / 1000);
      }),
    );
  });
  return {
    count: (queue, outcome) => jobs.inc({ queue, outcome }),
    took: (queue, seconds) => durations.observe({ queue }, seconds),
    onScrape: (queue, look) => {
      looks.set(queue, look);
      return () => {
        if (looks.get(queue) === look) looks.delete(queue);
      };
    },
  };
});
