import { arraysOf, batchLoader, classifyError, statement, unnested } from '#platform/postgres';
import type { Column, Database } from '#platform/postgres';
import { pause } from '#platform/time';
import { parsed, unparsed } from '#rules';
import type { Parsed } from '#rules';
import type { PlannedReminder } from '../rules/plan.ts';
import { cancelNotifications, loadNotifications, planNotifications } from '../store/notification-store.ts';
import type { JobRequest, StoredNotification } from '../store/notification-store.ts';
import { entityOf, subjectOf } from '../store/stored-fact.ts';
import { loadStateRows } from '../store/subject-rows.ts';
import type { StateRows } from '../store/subject-rows.ts';
import type { Deliveries, Loaded } from './delivery.ts';
import type { Conclusion } from './conclusion.ts';

/** Rows per statement. */
const BATCH = 200;
/**
 * What was delivered and is not written is delivered again, so writing it is tried for so long, and so often, in ms.
 */
const WRITE_FOR_MS = 30_000;
const WRITE_AGAIN_MS = 500;

interface Concluded {
  readonly id: string;
  readonly conclusion: Conclusion;
}

const CONCLUDED_COLUMNS: readonly Column<Concluded>[] = [
  { name: 'id', type: 'text', of: ({ id }) => id },
  { name: 'status', type: 'text', of: ({ conclusion }) => conclusion.kind },
  { name: 'attempts', type: 'int', of: ({ conclusion }) => conclusion.attempts },
  { name: 'response', type: 'text', of: ({ conclusion: one }) => (one.kind === 'delivered' ? one.response : null) },
  { name: 'reason', type: 'text', of: ({ conclusion: one }) => (one.kind === 'delivered' ? null : one.reason) },
  { name: 'delivered', type: 'float8', of: ({ conclusion: one }) => (one.kind === 'delivered' ? one.at : null) },
  { name: 'next', type: 'float8', of: ({ conclusion: one }) => (one.kind === 'retrying' ? one.nextAttemptAt : null) },
];

const [IDS, CONCLUDED] = [1, 2] as const;

/**
 * What came of many attempts. A delivery that happened is kept whatever the row says by now; anything else only while
 * the row still waits for it. Locked in one order, so that two who write the same rows never wait in a circle.
 */
const CONCLUDE = statement(
  'notifications_conclude',
  `WITH locked AS MATERIALIZED (SELECT id FROM notifications WHERE id = ANY($${IDS}::text[]) ORDER BY id
     FOR UPDATE)
   UPDATE notifications AS n
      SET status = given.status, attempts = coalesce(given.attempts, n.attempts), response = given.response,
        reason = given.reason,
          delivered_at = to_timestamp(given.delivered / 1000),
            next_attempt_at = coalesce(to_timestamp(given.next / 1000), n.next_attempt_at),
            updated_at = clock_timestamp()
     FROM locked JOIN ${unnested(CONCLUDED_COLUMNS, CONCLUDED, 'given')} ON given.id = locked.id
    WHERE n.id = locked.id AND (n.status IN ('pending', 'retrying') OR (given.status = 'delivered'
      AND n.status <> 'delivered'))`,
);

/**
 * Notifications in Postgres, read and written for many jobs at a
 * time. `schedule` tells the queues of rows that were made.
 */
export const createDeliveries = (
  database: Database,
  schedule: (requests: readonly JobRequest[]) => Promise<void>,
): Deliveries => {
  const conclude = batchLoader<Concluded, true>(async (concluded) => {
    await database.query(CONCLUDE, [concluded.map(({ id }) => id), ...arraysOf(CONCLUDED_COLUMNS, concluded)]);
    return concluded.map(() => true);
  }, BATCH);
  return {
    load: batchLoader((ids) => loadAll(database, ids), BATCH),
    conclude: async (id, conclusion, signal) => {
      const giveUpAt = performance.now() + WRITE_FOR_MS;
      for (;;) {
        try {
          await conclude({ id, conclusion });
          return;
        } catch (error) {
          if (signal.aborted || performance.now() > giveUpAt || classifyError(error) !== 'infrastructure') throw error;
          await pause(WRITE_AGAIN_MS);
        }
      }
    },
    replace: async (notification, reason, replacements) => {
      const requests = await database.transaction(async (tx) => {
        const cancelled = await cancelNotifications(tx, [{ id: notification.id, reason }]);
        return cancelled.length === 0
          ? []
          : planNotifications(
              tx,
              replacements.map((planned) => ({ fact: notification, planned })),
            );
      });
      await schedule(requests);
    },
  };
};

const loadAll = async (database: Database, ids: readonly string[]): Promise<readonly (Parsed<Loaded> | null)[]> => {
  const stored = new Map((await loadNotifications(database, ids)).map((one) => [one.id, one]));
  const entities = [...stored.values()].map(entityOf).flatMap((entity) => (entity.ok ? [entity.value] : []));
  const rows = await loadStateRows(database, entities);
  return ids.map((id) => {
    const one = stored.get(id);
    return one === undefined ? null : loadedOf(one, rows);
  });
};

const loadedOf = (notification: StoredNotification, rows: StateRows): Parsed<Loaded> => {
  const entity = entityOf(notification);
  const subject = entity.ok ? subjectOf(notification, rows.of(entity.value)) : entity;
  if (!subject.ok) return subject;
  return isReminder(notification.reminder)
    ? parsed({ notification, subject: subject.value })
    : unparsed('its reminder is not {before, at, hours}');
};

const isReminder = (stored: unknown): stored is PlannedReminder | null => {
  if (stored === null) return true;
  if (typeof stored !== 'object') return false;
  const { before, at, hours } = stored as Readonly<Record<string, unknown>>;
  return typeof before === 'string' && Number.isSafeInteger(at) && typeof hours === 'number';
};
