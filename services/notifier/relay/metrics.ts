import { beforeScrape, counterOf, gaugeOf } from '#platform/metrics';
import type { Registry } from '#platform/metrics';
import type { Database } from '#platform/postgres';
import type { Instant } from '#rules';
import { countWaiting } from '../store/notification-store.ts';
import { readBacklog } from '../store/outbox-store.ts';
import type { PlannedFacts } from './plan-facts.ts';

export interface RelayMetrics {
  readonly count: (batch: PlannedFacts) => void;
}

/**
 * Labels are names of the rule file, which are few. The gauges are asked
 * of Postgres on each scrape; while it is away the last answer stays.
 */
export const createRelayMetrics = (registry: Registry, database: Database, clock: () => Instant): RelayMetrics => {
  const relayed = counterOf(registry, 'dakia_facts_relayed_total');
  const unusable = counterOf(registry, 'dakia_facts_unusable_total');
  const planned = counterOf(registry, 'dakia_notifications_planned_total');
  const unrelayed = gaugeOf(registry, 'dakia_outbox_unrelayed');
  const oldest = gaugeOf(registry, 'dakia_outbox_oldest_seconds');
  const waiting = gaugeOf(registry, 'dakia_notifications');
  beforeScrape(registry, ['dakia_outbox_unrelayed', 'dakia_outbox_oldest_seconds'], async () => {
    const backlog = await readBacklog(database).catch(() => undefined);
    if (backlog === undefined) return;
    unrelayed.set({}, backlog.unrelayed);
    oldest.set({}, backlog.oldestAt === null ? 0 : Math.max(clock() - backlog.oldestAt, 0) / 1000);
  });
  beforeScrape(registry, ['dakia_notifications'], async () => {
    const counts = await countWaiting(database).catch(() => undefined);
    if (counts === undefined) return;
    waiting.reset();
    for (const { destination, status, notifications } of counts) waiting.set({ destination, status }, notifications);
  });
  return {
    count: (batch) => {
      relayed.inc({}, batch.facts.length);
      unusable.inc({}, batch.unusable.length);
      for (const { destination, again } of batch.requests) if (!again) planned.inc({ destination });
    },
  };
};
