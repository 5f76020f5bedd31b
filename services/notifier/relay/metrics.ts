import promClient from 'prom-client';
import type { Gauge, Registry } from 'prom-client';
import type { Database } from '#platform/postgres';
import { oneAtATime } from '#platform/metrics';
import type { Instant } from '#rules';
import { countWaiting } from '../store/notification-store.ts';
import { readBacklog } from '../store/outbox-store.ts';
import type { PlannedFacts } from './plan-facts.ts';

export interface RelayMetrics {
  readonly count: (batch: PlannedFacts) => void;
}

/** Labels are names of the rule file, which are few. The gauges are asked of Postgres on each scrape; while it is away the last answer stays. */
export const createRelayMetrics = (registry: Registry, database: Database, clock: () => Instant): RelayMetrics => {
  const registers = [registry];
  const relayed = new promClient.Counter({
    name: 'dakia_facts_relayed_total',
    help: 'Facts of the outbox that were turned into notifications, also into none.',
    registers,
  });
  const unusable = new promClient.Counter({
    name: 'dakia_facts_unusable_total',
    help: 'Facts among them that could not be understood; audit_logs says why.',
    registers,
  });
  const planned = new promClient.Counter({
    name: 'dakia_notifications_planned_total',
    help: 'Notifications that facts asked for.',
    labelNames: ['destination'],
    registers,
  });
  const collect = oneAtATime(async () => {
    const backlog = await readBacklog(database).catch(() => undefined);
    if (backlog === undefined) return;
    unrelayed.set(backlog.unrelayed);
    oldest.set(backlog.oldestAt === null ? 0 : Math.max(clock() - backlog.oldestAt, 0) / 1000);
  });
  const unrelayed: Gauge = new promClient.Gauge({
    name: 'dakia_outbox_unrelayed',
    help: 'Facts that are not relayed yet.',
    registers,
    collect,
  });
  const oldest: Gauge = new promClient.Gauge({
    name: 'dakia_outbox_oldest_seconds',
    help: 'Age of the oldest fact that is not relayed; 0 when there is none.',
    registers,
    collect,
  });
  const waiting: Gauge<'destination' | 'status'> = new promClient.Gauge({
    name: 'dakia_notifications',
    help: 'Notifications that wait for their time or another attempt, and those that have failed.',
    labelNames: ['destination', 'status'],
    registers,
    collect: oneAtATime(async () => {
      const counts = await countWaiting(database).catch(() => undefined);
      if (counts === undefined) return;
      waiting.reset();
      for (const { destination, status, notifications } of counts) waiting.set({ destination, status }, notifications);
    }),
  });
  return {
    count: (batch) => {
      relayed.inc(batch.facts.length);
      unusable.inc(batch.unusable.length);
      for (const { destination, again } of batch.requests) if (!again) planned.inc({ destination });
    },
  };
};
