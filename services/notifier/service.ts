import { serviceNames } from '#catalogue';
import type { Logger } from '#platform/log';
import { createDatabase, createPostgresPing, createSchemaWait, reportMigrations, roleOf } from '#platform/postgres';
import { createWorker, mountQueueBoard, notifyQueueOf, openQueue, retryQueueOf } from '#platform/queue';
import { createRedisPing } from '#platform/redis';
import { defineService } from '#platform/service';
import type { Component, Service } from '#platform/service';
import { now } from '#platform/time';
import { instant } from '#rules';
import type { Instant } from '#rules';
import type { Destinations } from './channels/destinations.ts';
import { createDeliveries } from './delivery/deliveries.ts';
import { createDelivery } from './delivery/delivery.ts';
import { createDeliveryMetrics } from './delivery/metrics.ts';
import { notifierSettings, openRules, ruleFileIssues } from './open-rules.ts';
import { createRelay } from './relay/relay.ts';
import { createJobScheduler } from './relay/schedule-jobs.ts';
import { rulesFor } from './rules/plan.ts';

/**
 * Of the time that a stop may take, in ms: what the workers leave to
 * write down what they cut off, to the relay and to the pool.
 */
const LEFT_FOR_OTHERS_MS = 2_000;

/**
 * Facts of the outbox in, notifications out: the relay plans them, a
 * worker per destination delivers them. `clock` is for tests of reminders.
 */
export const notifierOf = (clock: () => Instant): Service =>
  defineService({
    name: 'notifier',
    settings: notifierSettings,
    check: ruleFileIssues,
    components: (host) => {
      const { config, log, metrics, tracer } = host;
      const opened = openRules(config, host.environment, log);
      // The check has passed a moment ago: only a file that has changed since then comes here.
      if (!opened.ok) throw new Error(opened.issues.join('; '));
      const { rules, destinations } = opened.value;
      const { open } = destinations;
      const planned = rulesFor(rules, open);
      const names = [...open.keys()];

      const database = createDatabase({
        url: config.databaseUrl,
        poolSize: config.databasePoolSize,
        applicationName: 'dakia-notifier',
        role: roleOf('notifier'),
        log,
        metrics,
      });
      reportMigrations(metrics, database);
      const schema = createSchemaWait(database, log);
      host.addReadinessCheck(schema.unready);
      const queues = new Map(names.map((name) => [name, openQueue(config, notifyQueueOf(name), log)]));
      host.watchDependency({ name: 'postgres', ...createPostgresPing(config.databaseUrl) });
      host.watchDependency({ name: 'redis', ...createRedisPing(config) });
      // What it cannot tell a queue is found by the relay's sweeper.
      const { schedule } = createJobScheduler({ queues, clock, log, onBack: () => undefined });
      const deliveries = createDeliveries(database, async (requests) => schedule(requests, []));
      const deliveryMetrics = createDeliveryMetrics(metrics, open);
      mountQueueBoard(host, config, [...serviceNames.map(retryQueueOf), ...names.map(notifyQueueOf)]);
      const workers = [...open.values()].map((destination) =>
        createWorker({
          config,
          queue: notifyQueueOf(destination.name),
          concurrency: destination.concurrency,
          work: createDelivery({
            deliveries,
            rules,
            destination,
            clock,
            random: Math.random,
            log,
            metrics: deliveryMetrics,
            tracer,
          }),
          log,
          metrics,
        }),
      );
      return [
        { name: 'postgres pool', start: async () => undefined, stop: database.close },
        schema.component,
        channelsOf(destinations, log),
        closing('queues', [...queues.values()]),
        createRelay({
          database,
          databaseUrl: config.databaseUrl,
          rules: () => planned,
          queues,
          clock,
          log,
          metrics,
          tracer,
        }),
        atOnce('workers', workers),
      ];
    },
  });

export const notifier = notifierOf(now);

/** What the destinations have open; the start says which are off. */
const channelsOf = ({ open, off }: Destinations, log: Logger): Component => ({
  name: 'destinations',
  start: async () => {
    for (const { name, missing } of off)
      log.info({ destination: name, missing }, `the destination ${name} is off: ${missing.join(' and ')} not set`);
  },
  stop: async () => void (await Promise.all([...open.values()].map(async (destination) => destination.close()))),
});

const closing = (name: string, parts: readonly { readonly close: () => Promise<void> }[]): Component => ({
  name,
  start: async () => undefined,
  stop: async () => void (await Promise.all(parts.map(async (part) => part.close()))),
});

/**
 * Stopped together, so that none takes new work while it waits for
 * another's last; in time for the parts that they need.
 */
const atOnce = (name: string, parts: readonly Component[]): Component => ({
  name,
  start: async () => void (await Promise.all(parts.map(async (part) => part.start()))),
  stop: async (deadline) =>
    void (await Promise.all(parts.map(async (part) => part.stop(instant(deadline - LEFT_FOR_OTHERS_MS))))),
});
