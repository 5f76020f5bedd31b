import { setting, whole } from '#platform/config';
import type { ConfigOf } from '#platform/config';
import { writeAudit } from '#platform/postgres';
import type { Database } from '#platform/postgres';
import { instant } from '#rules';
import type { Instant } from '#rules';
import { indexPartitions } from './partition-indexes.ts';
import { applyPartitions, DAY_MS, deleteChunks, deleteCounted, RETIRE_DAYS_MIN } from './partitions.ts';
import type { MadePartition } from './partitions.ts';

const KEEP_DAYS_MAX = 36_500;

/** How long what grows with the traffic is kept, in days; 0 is for ever. Events have `dakia partitions retire`. */
export const retentionSettings = {
  keepConflictsDays: setting(
    'DAKIA_KEEP_CONFLICTS_DAYS',
    whole(0, 0, KEEP_DAYS_MAX),
    'Days that rows of event_conflicts are kept; 0 is for ever.',
  ),
  keepRedeliveriesDays: setting(
    'DAKIA_KEEP_REDELIVERIES_DAYS',
    whole(0, 0, KEEP_DAYS_MAX),
    'Days that rows of redeliveries are kept after the last delivery of their event; 0 is for ever.',
  ),
  keepAuditDays: setting(
    'DAKIA_KEEP_AUDIT_DAYS',
    whole(0, 0, KEEP_DAYS_MAX),
    'Days that rows of audit_logs are kept; 0 is for ever.',
  ),
  keepOutboxDays: setting(
    'DAKIA_KEEP_OUTBOX_DAYS',
    whole(0, 0, KEEP_DAYS_MAX).refine((days) => days === 0 || days >= RETIRE_DAYS_MIN, {
      error: `must be 0 or at least ${RETIRE_DAYS_MIN}: an event that Kafka brings again would be told again`,
    }),
    `Days that facts stay in outbox after they were told; 0 is for ever, else at least ${RETIRE_DAYS_MIN}.`,
  ),
} as const;

export type Retention = ConfigOf<typeof retentionSettings>;

export interface Maintained {
  readonly made: readonly MadePartition[];
  /** Indexes of partitions that were built, as a migration has asked for. */
  readonly indexed: readonly string[];
  /** Rows that were deleted, by table. */
  readonly deleted: Readonly<Record<string, number>>;
}

/**
 * What is to be done once a day: partitions for the coming days, and the end of what has
 * been kept for long enough. It may be left out for any time: events go into the default
 * partition meanwhile, and come out of it with the next run. Needs the owner of the tables.
 */
export const maintain = async (database: Database, now: Instant, keep: Retention): Promise<Maintained> => {
  const made = await applyPartitions(database, now);
  const indexed = await indexPartitions(database);
  const deleted: Record<string, number> = {};
  for (const [table, where, days, remove] of [
    ['event_conflicts', 'kept_as IS NOT NULL AND recorded_at <', keep.keepConflictsDays, deleteChunks],
    // Of releases that did not apply them: they are the only row of their record.
    ['event_conflicts', 'kept_as IS NULL AND recorded_at <', keep.keepConflictsDays, deleteCounted],
    ['redeliveries', 'last_received_at <', keep.keepRedeliveriesDays, deleteChunks],
    ['audit_logs', 'at <', keep.keepAuditDays, deleteChunks],
    ['outbox', 'relayed_at IS NOT NULL AND relayed_at <', keep.keepOutboxDays, deleteChunks],
  ] as const) {
    if (days === 0) continue;
    const before = new Date(instant(now - days * DAY_MS)).toISOString();
    const rows = await remove(database, table, `${where} '${before}'`);
    if (rows > 0) deleted[table] = (deleted[table] ?? 0) + rows;
  }
  for (const [table, rows] of Object.entries(deleted))
    await writeAudit(database, { actor: 'maintenance', action: 'retention', reason: `${rows} rows of ${table}` });
  return { made, indexed, deleted };
};
