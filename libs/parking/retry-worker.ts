import type { KeyRef } from '#apply';
import { codeOf } from '#platform/log';
import type { Logger } from '#platform/log';
import { counterOf } from '#platform/metrics';
import type { Registry } from '#platform/metrics';
import { classifyError } from '#platform/postgres';
import { retryQueueOf } from '#platform/queue';
import type { JobOutcome, WorkerOptions } from '#platform/queue';
import { traceIdOf } from '#platform/trace';
import type { Span } from '#platform/trace';
import { keyOfJob } from './retry-queue.ts';
import { wakeParked } from './wake-parked.ts';
import type { ParkedOptions, WakeOutcome } from './wake-parked.ts';

/**
 * When a key is woken again whose attempt met a Postgres that was away or busy, in ms. Such an attempt does not count.
 */
const INFRASTRUCTURE_WAIT_MS = 5_000;

/** Of events that were given up so many ids are in the line. */
const IDS_MAX = 20;

export interface RetryWorkOptions extends ParkedOptions {
  /** Of the service, for the audit. */
  readonly service: string;
  readonly log: Logger;
  readonly metrics: Registry;
  /** Told after each death. */
  readonly onDead: () => void;
}

/**
 * The work of a retry job: tries what waits for its key, and says
 * when to come again. All that counts is written in Postgres.
 */
export const createRetryWork = ({
  service,
  log,
  metrics,
  onDead,
  ...parked
}: RetryWorkOptions): WorkerOptions['work'] => {
  const queue = retryQueueOf(service);
  const dead = counterOf(metrics, 'dakia_dead_letters_total');
  const families: ReadonlySet<string> = new Set(parked.aggregates.map(({ family }) => family));

  const wake = async (
    ref: KeyRef,
    span: Span | undefined,
    onFailed: (eventId: string) => void,
  ): Promise<WakeOutcome | 'infrastructure'> => {
    try {
      return await wakeParked({ ...parked, actor: `retry:${service}`, span, onFailed }, ref);
    } catch (error) {
      if (classifyError(error) !== 'infrastructure') throw error;
      log.warn(
        { code: codeOf('retry', 'postgres-away'), err: error, ...ref, againInMs: INFRASTRUCTURE_WAIT_MS },
        'a parked entity could not be tried: Postgres is away or busy; this attempt does not count',
      );
      return 'infrastructure';
    }
  };

  return async ({ data }): Promise<JobOutcome> => {
    const ref = keyOfJob(data, families);
    if (!ref.ok) return { kind: 'failed', reason: ref.issues.join('; ') };
    const span = parked.tracer?.start({ name: `process ${queue}`, kind: 'consumer', parent: data['traceparent'] });
    // First those that were given up, then the one that the queue waits for now.
    const failed: string[] = [];
    const outcome = await wake(ref.value, span, (eventId) => failed.push(eventId));
    if (span !== undefined) endAttempt(span, queue, ref.value, outcome);
    const about = { ...ref.value, traceId: span?.traceId ?? traceIdOf(data['traceparent']) };
    if (outcome === 'infrastructure') return { kind: 'later', afterMs: INFRASTRUCTURE_WAIT_MS };
    if ('dead' in outcome && outcome.dead > 0) {
      dead.inc({ family: ref.value.family }, outcome.dead);
      log.error(
        {
          code: codeOf('retry', 'event-dead'),
          ...about,
          events: outcome.dead,
          eventIds: givenUp(failed, outcome.dead),
        },
        'events were given up after their last attempt; npx dakia dead list shows why',
      );
      onDead();
    }
    switch (outcome.kind) {
      case 'unparked':
        log.info({ ...about, applied: outcome.applied }, 'a parked entity is free again');
        return { kind: 'done' };
      case 'not-parked':
        return { kind: 'done' };
      case 'parked': {
        const { applied, reason, afterMs: againInMs } = outcome;
        const line = { eventId: failed[outcome.dead], ...about, applied, reason, againInMs };
        log.warn(line, 'a parked entity was tried in vain');
        return { kind: 'later', afterMs: againInMs };
      }
      case 'early':
        return { kind: 'later', afterMs: outcome.afterMs };
    }
  };
};

/** Of what has failed in the order of the queue, those that were given up; as many as are in the line. */
const givenUp = (failed: readonly string[], dead: number): readonly string[] =>
  failed.slice(0, Math.min(dead, IDS_MAX));

/** The span of one attempt; what came too early was none. */
const endAttempt = (
  span: Span,
  queue: string,
  { family, key }: KeyRef,
  outcome: WakeOutcome | 'infrastructure',
): void => {
  const kind = outcome === 'infrastructure' ? outcome : outcome.kind;
  if (kind === 'early') return;
  const dead = typeof outcome === 'object' && 'dead' in outcome && outcome.dead > 0;
  const error = dead ? 'dead' : kind === 'parked' || kind === 'infrastructure' ? kind : undefined;
  span.end({
    attributes: () => ({
      'messaging.system': 'bullmq',
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.destination.name': queue,
      'dakia.family': family,
      'dakia.entity.key': key,
      'dakia.outcome': kind,
    }),
    ...(error !== undefined && { error }),
  });
};
