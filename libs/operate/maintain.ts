import { setting, whole } from '#platform/config';
import type { ConfigOf } from '#platform/config';
import { writeAudit } from '#platform/postgres';
import type { Database } from '#platform/postgres';
import { instant } from '#rules';
import type { Instant } from '#rules';
import { indexPartitions } from './partition-indexes.ts';
import { applyPartitions, DAY_MS, deleteChunks, deleteCounted, RETIRE_DAYS_MIN, updateChunks } from './partitions.ts';
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
    'Days that rows of audit_logs are kept, and the reasons of dead letters after they were decided; 0 is for ever.',
  ),
  keepOutboxDays: setting(
    'DAKIA_KEEP_OUTBOX_DAYS',
    whole(0, 0, KEEP_DAYS_MAX).refine((days) => days === 0 || days >= RETIRE_DAYS_MIN, {
      error: `must be 0 or at least ${RETIRE_DAYS_MIN}: an event that Kafka brings again would be told again`,
    }),
    `Days that facts stay in outbox after they were told; 0 is for ever, else at least ${RETIRE_DAYS_MIN}.`,
  ),
  keepNotificationsDays: setting(
    'DAKIA_KEEP_NOTIFICATIONS_DAYS',
    whole(0, 0, KEEP_DAYS_MAX),
    'Days that answers and reasons stay in notifications after these have ended, delivered or not; then they are ' +
      'blanked, and a row whose fact has left outbox is deleted. 0 is for ever.',
  ),
} as const;

export type Retention = ConfigOf<typeof retentionSettings>;

export interface Maintained {
  readonly made: readonly MadePartition[];
  /** Indexes of partitions that were built, as a migration has asked for. */
  readonly indexed: readonly string[];
  /** Rows that were deleted, by table. */
  readonly deleted: Readonly<Record<string, number>>;
  /** Rows that stay and whose reasons and answers were blanked, by table. */
  readonly blanked: Readonly<Record<string, number>>;
}

/** Stands where a text, which may quote what a body or a receiver said of a person, is kept no longer. */
const BLANK = "'no longer kept'";
const HAS_FACT = 'EXISTS (SELECT FROM outbox WHERE outbox.id = notifications.fact_id)';
/** Of notifications of which nothing more becomes. */
const ENDED = "status IN ('delivered', 'failed', 'cancelled') AND updated_at <";

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
    // A fact that stands in outbox without its notification would be told once more by a backfill.
    ['notifications', `NOT ${HAS_FACT} AND ${ENDED}`, keep.keepNotificationsDays, deleteChunks],
  ] as const) {
    if (days === 0) continue;
    const rows = await remove(database, table, `${where} '${daysBefore(now, days)}'`);
    if (rows > 0) deleted[table] = (deleted[table] ?? 0) + rows;
  }
  const blanked: Record<string, number> = {};
  for (const [table, columns, where, days] of [
    ['notifications', ['response', 'reason'], ENDED, keep.keepNotificationsDays],
    ['dead_letters', ['reason', 'resolved_reason'], 'resolved_at <', keep.keepAuditDays],
  ] as const) {
    if (days === 0) continue;
    const set = columns.map((name) => `${name} = CASE WHEN ${name} IS NOT NULL THEN ${BLANK} END`);
    const isThere = columns.map((name) => `coalesce(${name}, ${BLANK}) NOT IN (${BLANK}, 'erased')`);
    const rows = await updateChunks(
      database,
      table,
      set.join(', '),
      `(${isThere.join(' OR ')}) AND ${where} '${daysBefore(now, days)}'`,
    );
    if (rows > 0) blanked[table] = rows;
  }
  for (const [table, rows] of Object.entries(deleted)) await note(database, `${rows} rows of ${table}`);
  for (const [table, rows] of Object.entries(blanked)) await note(database, `texts of ${rows} rows of ${table}`);
  return { made, indexed, deleted, blanked };
};

const daysBefore = (now: Instant, days: number): string => new Date(instant(now - days * DAY_MS)).toISOString();

const note = async (database: Database, reason: string): Promise<void> =>
  writeAudit(database, { actor: 'maintenance', action: 'retention', reason });
