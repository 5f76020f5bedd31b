import promClient from 'prom-client';
import type { Counter, Gauge, Registry } from 'prom-client';
import { oneAtATime } from '#platform/metrics';
import { oncePer } from '#rules';
import type { QueueStats } from './contracts.ts';

/** `completed`, `failed` and `stalled` as BullMQ tells them; `later`, `rest` and `unexpected` as the work decided. */
export type CountedOutcome = 'completed' | 'failed' | 'stalled' | 'later' | 'rest' | 'unexpected';

const STATES = ['waiting', 'active', 'completed', 'failed', 'delayed', 'prioritized', 'paused'] as const;

export interface QueueMetrics {
  readonly count: (queue: string, outcome: CountedOutcome) => void;
  /** Adds how a queue is looked at on a scrape; `undefined` while Redis is away, and then the last answer stays. Returns how to stop it. */
  readonly onScrape: (queue: string, look: () => Promise<QueueStats | undefined>) => () => void;
}

/** The instruments of a registry, which several services of a process may share. */
export const queueMetricsOf = oncePer((registry: Registry): QueueMetrics => {
  const looks = new Map<string, () => Promise<QueueStats | undefined>>();
  const jobs: Counter<'queue' | 'outcome'> = new promClient.Counter({
    name: 'dakia_jobs_total',
    help: 'Runs of jobs by how they ended.',
    labelNames: ['queue', 'outcome'],
    registers: [registry],
  });
  const refresh = oneAtATime(async () => {
    await Promise.all(
      [...looks].map(async ([queue, look]) => {
        const seen = await look();
        if (seen === undefined) return;
        for (const state of STATES) counts.set({ queue, state }, seen[state]);
        oldest.set({ queue }, (seen.oldestMs ?? 0) / 1000);
      }),
    );
  });
  const counts: Gauge<'queue' | 'state'> = new promClient.Gauge({
    name: 'dakia_queue_jobs',
    help: 'Jobs by queue and state.',
    labelNames: ['queue', 'state'],
    registers: [registry],
    collect: refresh,
  });
  const oldest: Gauge<'queue'> = new promClient.Gauge({
    name: 'dakia_queue_oldest_seconds',
    help: 'Age of the oldest job that should run now or runs; 0 when there is none.',
    labelNames: ['queue'],
    registers: [registry],
    collect: refresh,
  });
  return {
    count: (queue, outcome) => jobs.inc({ queue, outcome }),
    onScrape: (queue, look) => {
      looks.set(queue, look);
      return () => {
        if (looks.get(queue) === look) looks.delete(queue);
      };
    },
  };
});
