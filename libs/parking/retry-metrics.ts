import type { Family } from '#catalogue';
import type { Aggregate } from '#families';
import { beforeScrape, counterOf, gaugeOf } from '#platform/metrics';
import type { Registry } from '#platform/metrics';
import { statement } from '#platform/postgres';
import type { Database } from '#platform/postgres';

/** Of one family, as Postgres has it. Ages in s, 0 when there is none. */
interface RetryFigures {
  readonly family: Family;
  readonly openDeadLetters: number;
  readonly oldestDeadS: number;
  readonly oldestParkedS: number;
}

const FIGURES = statement(
  'retry_figures',
  `SELECT family,
          (SELECT count(*) FROM dead_letters d WHERE d.family = given.family
            AND d.resolution IS NULL) AS "openDeadLetters",
          coalesce((SELECT date_part('epoch', clock_timestamp() - min(d.dead_at)) FROM dead_letters d
            WHERE d.family = given.family AND d.resolution IS NULL), 0) AS "oldestDeadS",
          coalesce((SELECT date_part('epoch', clock_timestamp() - min(k.parked_at)) FROM parked_keys k
            WHERE k.family = given.family), 0) AS "oldestParkedS"
     FROM unnest($1::text[]) AS given (family)`,
);

/**
 * Shows what waits of these families, asked of Postgres on every scrape. While Postgres is away the last answer stays.
 */
export const reportRetries = (database: Database, aggregates: readonly Aggregate[], registry: Registry): void => {
  const families = aggregates.map(({ family }) => family);
  const dead = counterOf(registry, 'dakia_dead_letters_total');
  for (const family of families) dead.inc({ family }, 0);
  const open = gaugeOf(registry, 'dakia_dead_letters_open');
  const oldestDead = gaugeOf(registry, 'dakia_dead_letters_oldest_seconds');
  const oldestParked = gaugeOf(registry, 'dakia_parked_oldest_seconds');
  beforeScrape(
    registry,
    ['dakia_dead_letters_open', 'dakia_dead_letters_oldest_seconds', 'dakia_parked_oldest_seconds'],
    async () => {
      // The scrape must not fail: whoever needs Postgres says that it is away.
      const found = await database.query<RetryFigures>(FIGURES, [families]).catch(() => []);
      for (const { family, openDeadLetters, oldestDeadS, oldestParkedS } of found) {
        open.set({ family }, openDeadLetters);
        oldestDead.set({ family }, oldestDeadS);
        oldestParked.set({ family }, oldestParkedS);
      }
    },
  );
};
