import promClient from 'prom-client';
import type { Counter, Gauge, Registry } from 'prom-client';
import type { Family } from '#catalogue';
import type { Aggregate } from '#families';
import { statement } from '#platform/postgres';
import type { Database } from '#platform/postgres';
import { oncePer } from '#rules';
import type { Disposition, NoteKind } from '#rules';

/** Counters of one service over the process's registry, which several services may share. */
export interface StoreMetrics {
  readonly count: (family: Family | 'quarantine', disposition: Disposition, by: number) => void;
  /** One per kind of oddity of an event that was applied. */
  readonly countNote: (family: Family | 'quarantine', kind: NoteKind) => void;
  readonly countConflict: (family: Family | 'quarantine') => void;
  /** Adds how the number of parked keys of a service is found out; asked on every scrape, must not reject. */
  readonly onScrape: (refresh: (set: (family: Family, keys: number) => void) => Promise<void>) => void;
}

interface Instruments {
  readonly events: Counter<'family' | 'disposition'>;
  readonly notes: Counter<'family' | 'kind'>;
  readonly conflicts: Counter<'family'>;
  readonly refreshers: ((set: (family: Family, keys: number) => void) => Promise<void>)[];
}

const instrumentsOf = oncePer((registry: Registry): Instruments => {
  const refreshers: Instruments['refreshers'] = [];
  const made: Instruments = {
    events: new promClient.Counter({
      name: 'dakia_events_total',
      help: 'Events by what became of them.',
      labelNames: ['family', 'disposition'],
      registers: [registry],
    }),
    notes: new promClient.Counter({
      name: 'dakia_event_notes_total',
      help: 'Applied events that contradict something, show an unknown value, or have a field that cannot be read.',
      labelNames: ['family', 'kind'],
      registers: [registry],
    }),
    conflicts: new promClient.Counter({
      name: 'dakia_event_conflicts_total',
      help: 'Second bodies under an event id that was taken.',
      labelNames: ['family'],
      registers: [registry],
    }),
    refreshers,
  };
  const parked: Gauge<'family'> = new promClient.Gauge({
    name: 'dakia_parked_keys',
    help: 'Entities whose events wait behind a failing one.',
    labelNames: ['family'],
    registers: [registry],
    collect: async () => {
      await Promise.all(refreshers.map((refresh) => refresh((family, keys) => parked.set({ family }, keys))));
    },
  });
  return made;
});

export const createStoreMetrics = (registry: Registry): StoreMetrics => {
  const { events, notes, conflicts, refreshers } = instrumentsOf(registry);
  return {
    count: (family, disposition, by) => events.inc({ family, disposition }, by),
    countNote: (family, kind) => notes.inc({ family, kind }),
    countConflict: (family) => conflicts.inc({ family }),
    onScrape: (refresh) => void refreshers.push(refresh),
  };
};

const COUNT_PARKED = statement(
  'count_parked',
  'SELECT family, count(*) AS keys FROM parked_keys WHERE family = ANY($1::text[]) GROUP BY family',
);

/** Shows how many keys of these families are parked, asked of Postgres on every scrape. While Postgres is away the last answer stays. */
export const reportParkedKeys = (database: Database, aggregates: readonly Aggregate[], metrics: StoreMetrics): void => {
  const families = aggregates.map(({ family }) => family);
  if (families.length === 0) return;
  metrics.onScrape(async (set) => {
    try {
      const rows = await database.query<{ family: Family; keys: number }>(COUNT_PARKED, [families]);
      const counts = new Map(rows.map(({ family, keys }) => [family, keys]));
      for (const family of families) set(family, counts.get(family) ?? 0);
    } catch {
      // The scrape must not fail: whoever needs Postgres says that it is away.
    }
  });
};
