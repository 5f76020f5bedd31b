import { codeOf } from '#platform/log';
import type { Logger } from '#platform/log';
import type { Registry } from '#platform/metrics';
import { createOutboxListener, roleOf } from '#platform/postgres';
import type { Database, DatabaseUrl } from '#platform/postgres';
import { SWEEP_EVERY_MS } from '#platform/queue';
import type { JobQueue } from '#platform/queue';
import type { Component } from '#platform/service';
import { createPeriodic, pause } from '#platform/time';
import { traceIdOf } from '#platform/trace';
import type { Tracer } from '#platform/trace';
import type { Instant } from '#rules';
import type { NotificationRules } from '../rules/rules.ts';
import { createRelayMetrics } from './metrics.ts';
import type { PlannedFacts } from './plan-facts.ts';
import { BATCH_FACTS, relayBatch } from './relay-batch.ts';
import { createJobScheduler } from './schedule-jobs.ts';
import { createSweeper } from './sweeper.ts';
import { endPlanned } from './trace.ts';

/**
 * How often the outbox is polled without a signal, in ms: the listener
 * may be disconnected, and some who leave facts send no signal.
 */
export const POLL_EVERY_MS = 1_000;

/**
 * Rest after facts were relayed, in ms: under load a look finds more of them, and there are fewer looks. The first fact
 * after a silence is relayed at once.
 */
const REST_MS = 20;

export interface RelayOptions {
  readonly database: Database;
  /** Of the same Postgres, for the connection that listens for the signal. */
  readonly databaseUrl: DatabaseUrl;
  /** What to plan with: the rules without the destinations that are off (`rulesFor`). */
  readonly rules: () => NotificationRules;
  /** Of the destinations that are on, by their names. */
  readonly queues: ReadonlyMap<string, JobQueue>;
  readonly clock: () => Instant;
  readonly log: Logger;
  readonly metrics: Registry;
  readonly tracer?: Tracer | undefined;
  /** For tests. */
  readonly pollEveryMs?: number;
  readonly sweepEveryMs?: number;
}

/**
 * Facts of the outbox become rows of `notifications`, and those become jobs. Row first, job second: a crash in between,
 * or a Redis that is away, leaves rows that the sweeper finds. Relays of several processes share the work.
 */
export const createRelay = ({
  database,
  databaseUrl,
  rules,
  queues,
  clock,
  log,
  metrics,
  tracer,
  pollEveryMs = POLL_EVERY_MS,
  sweepEveryMs = SWEEP_EVERY_MS,
}: RelayOptions): Component => {
  const counts = createRelayMetrics(metrics, database, clock);
  const sweeper = createSweeper({ database, queues, clock, log, everyMs: sweepEveryMs });
  const scheduler = createJobScheduler({ queues, clock, log, onBack: sweeper.runSoon });

  const drain = async (signal: AbortSignal): Promise<void> => {
    // The queues are told of one batch while Postgres plans the next.
    let scheduling: Promise<void> = Promise.resolve();
    let relayed = 0;
    for (let more = true; more && !signal.aborted; ) {
      const batches = await relayBatch({ database, rules: rules(), clock, tracer });
      await scheduling;
      for (const batch of batches) {
        counts.count(batch);
        endPlanned(batch);
        report(batch, log);
      }
      scheduling = scheduler.schedule(
        batches.flatMap(({ requests }) => requests),
        batches.flatMap(({ cancelled }) => cancelled),
      );
      const taken = batches.reduce((sum, { facts }) => sum + facts.length, 0);
      more = taken >= BATCH_FACTS;
      relayed += taken;
    }
    await scheduling;
    if (relayed > 0) await pause(REST_MS, signal);
  };

  const loop = createPeriodic({ name: 'relay', everyMs: pollEveryMs, work: drain, log });
  const listener = createOutboxListener({
    url: databaseUrl,
    role: roleOf('notifier'),
    applicationName: 'dakia-notifier-signal',
    onSignal: loop.runSoon,
    log,
  });
  return {
    name: 'relay',
    start: async () => {
      await loop.start();
      await sweeper.start();
      listener.start();
    },
    stop: async (deadline) => {
      const stopped = await Promise.allSettled([listener.stop(), loop.stop(deadline), sweeper.stop(deadline)]);
      const failed = stopped.find(({ status }) => status === 'rejected');
      if (failed?.status === 'rejected') throw failed.reason;
    },
  };
};

const report = (batch: PlannedFacts, log: Logger): void => {
  for (const { fact, reason } of batch.unusable)
    log.error(
      {
        code: codeOf('notify', 'fact-unusable'),
        eventId: fact.eventId ?? undefined,
        fact: fact.kind,
        family: fact.family,
        key: fact.entityKey,
        traceId: traceIdOf(fact.traceparent),
        reason,
      },
      'a fact could not be understood, so nobody is told of it; audit_logs keeps it as fact.unusable',
    );
  if (batch.cancelled.length > 0)
    log.info(
      { reminders: batch.cancelled.map(({ id }) => id) },
      'reminders are cancelled: what they are about has moved on',
    );
  if (batch.facts.length > 0)
    log.debug({ facts: batch.facts.length, notifications: batch.requests.length }, 'facts relayed');
};
