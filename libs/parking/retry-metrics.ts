import promClient from 'prom-client';
import type { Counter, Gauge, Registry } from 'prom-client';
import type { Family } from '#catalogue';
import type { Aggregate } from '#families';
import { statement } from '#platform/postgres';
import type { Database } from '#platform/postgres';
import { oneAtATime } from '#platform/metrics';
import { oncePer } from '#rules';

/** Of one family, as Postgres has it. */
interface RetryFigures {
  readonly family: Family;
  readonly openDeadLetters: number;
  /** Age of the longest parked key, in s. */
  readonly oldestParkedS: number;
}

export interface RetryMetrics {
  readonly countDead: (family: Family, by: number) => void;
  /** Adds how the figures of a service are found out; asked on every scrape, must not reject. Undefined keeps the last answer. */
  readonly onScrape: (look: () => Promise<readonly RetryFigures[] | undefined>) => void;
}

/** The instruments of a registry, which several services of a process may share. */
export const retryMetricsOf = oncePer((registry: Registry): RetryMetrics => {
  const looks: (() => Promise<readonly RetryFigures[] | undefined>)[] = [];
  const dead: Counter<'family'> = new promClient.Counter({
    name: 'dakia_dead_letters_total',
    help: 'Events that were given up after their last attempt.',
    labelNames: ['family'],
    registers: [registry],
  });
  const refresh = oneAtATime(async () => {
    for (const { family, openDeadLetters, oldestParkedS } of (await Promise.all(looks.map((look) => look()))).flatMap(
      (figures) => figures ?? [],
    )) {
      open.set({ family }, openDeadLetters);
      oldest.set({ family }, oldestParkedS);
    }
  });
  const open: Gauge<'family'> = new promClient.Gauge({
    name: 'dakia_dead_letters_open',
    help: 'Dead letters that nobody has retried or discarded yet.',
    labelNames: ['family'],
    registers: [registry],
    collect: refresh,
  });
  const oldest: Gauge<'family'> = new promClient.Gauge({
    name: 'dakia_parked_oldest_seconds',
    help: 'How long the entity that is parked the longest has been; 0 when there is none.',
    labelNames: ['family'],
    registers: [registry],
    collect: refresh,
  });
  return {
    countDead: (family, by) => dead.inc({ family }, by),
    onScrape: (look) => void looks.push(look),
  };
});

const FIGURES = statement(
  'retry_figures',
  `SELECT family,
          (SELECT count(*) FROM dead_letters d WHERE d.family = given.family AND d.resolution IS NULL) AS "openDeadLetters",
          coalesce((SELECT date_part('epoch', clock_timestamp() - min(k.parked_at)) FROM parked_keys k WHERE k.family = given.family), 0) AS "oldestParkedS"
     FROM unnest($1::text[]) AS given (family)`,
);

/** Shows what waits of these families, asked of Postgres on every scrape. While Postgres is away the last answer stays. */
export const reportRetries = (database: Database, aggregates: readonly Aggregate[], metrics: RetryMetrics): void => {
  const families = aggregates.map(({ family }) => family);
  for (const family of families) metrics.countDead(family, 0);
  metrics.onScrape(async () => {
    try {
      return await database.query<RetryFigures>(FIGURES, [families]);
    } catch {
      // The scrape must not fail: whoever needs Postgres says that it is away.
      return undefined;
    }
  });
};
