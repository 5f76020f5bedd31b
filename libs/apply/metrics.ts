import type { Family } from '#catalogue';
import type { Aggregate } from '#families';
import { beforeScrape, counterOf, gaugeOf, histogramOf } from '#platform/metrics';
import type { ApplyStage, LabelsOf, Registry } from '#platform/metrics';
import { statement } from '#platform/postgres';
import type { Database } from '#platform/postgres';
import type { Disposition, NoteKind } from '#rules';

type FamilyLabel = Family | 'quarantine';

/** What a service counts of the events that it applies. */
export interface StoreMetrics {
  readonly count: (family: FamilyLabel, disposition: Disposition, by: number) => void;
  /** One per kind of oddity of an event that was applied. */
  readonly countNote: (family: FamilyLabel, kind: NoteKind) => void;
  readonly countConflict: (family: FamilyLabel) => void;
  /** From the receipt of an event to the commit of what it changed. `traceId`: where its trace is kept. */
  readonly applied: (family: FamilyLabel, seconds: number, traceId: string | undefined) => void;
  readonly transaction: (group: LabelsOf<'dakia_transaction_events'>['group'], events: number) => void;
  readonly stage: (stage: ApplyStage, seconds: number) => void;
}

export const createStoreMetrics = (registry: Registry): StoreMetrics => {
  const events = counterOf(registry, 'dakia_events_total');
  const notes = counterOf(registry, 'dakia_event_notes_total');
  const conflicts = counterOf(registry, 'dakia_event_conflicts_total');
  const applied = histogramOf(registry, 'dakia_event_applied_seconds');
  const transactions = histogramOf(registry, 'dakia_transaction_events');
  const stages = histogramOf(registry, 'dakia_apply_stage_seconds');
  return {
    count: (family, disposition, by) => events.inc({ family, disposition }, by),
    countNote: (family, kind) => notes.inc({ family, kind }),
    countConflict: (family) => conflicts.inc({ family }),
    applied: (family, seconds, traceId) => applied.observe({ family }, Math.max(0, seconds), traceId),
    transaction: (group, size) => transactions.observe({ group }, size),
    stage: (stage, seconds) => stages.observe({ stage }, seconds),
  };
};

const COUNT_PARKED = statement(
  'count_parked',
  'SELECT family, count(*) AS keys FROM parked_keys WHERE family = ANY($1::text[]) GROUP BY family',
);

/**
 * Shows how many keys of these families are parked, asked of Postgres
 * on every scrape. While Postgres is away the last answer stays.
 */
export const reportParkedKeys = (database: Database, aggregates: readonly Aggregate[], registry: Registry): void => {
  const families = aggregates.map(({ family }) => family);
  if (families.length === 0) return;
  const parked = gaugeOf(registry, 'dakia_parked_keys');
  beforeScrape(registry, ['dakia_parked_keys'], async () => {
    try {
      const rows = await database.query<{ family: Family; keys: number }>(COUNT_PARKED, [families]);
      const counts = new Map(rows.map(({ family, keys }) => [family, keys]));
      for (const family of families) parked.set({ family }, counts.get(family) ?? 0);
    } catch {
      // The scrape must not fail: whoever needs Postgres says that it is away.
    }
  });
};
