import { AFTERWARDS } from '#catalogue';
import { codeOf } from '#platform/log';
import type { Logger } from '#platform/log';
import { classifyError } from '#platform/postgres';
import type { JobData, JobOutcome, WorkerOptions } from '#platform/queue';
import { traceIdOf } from '#platform/trace';
import type { Tracer } from '#platform/trace';
import type { Instant, Parsed } from '#rules';
import type { Outcome } from '../channels/channel.ts';
import type { Destination } from '../channels/destinations.ts';
import type { Deferred } from '../channels/rate-limit.ts';
import { compose } from '../rules/compose.ts';
import type { Composed } from '../rules/compose.ts';
import type { PlannedNotification } from '../rules/plan.ts';
import type { NotificationRules } from '../rules/rules.ts';
import type { StoredNotification } from '../store/notification-store.ts';
import type { Subject } from '../subject.ts';
import type { DeliveryMetrics } from './metrics.ts';
import { afterAttempt, isDue, jobAfter, jobAfterDeferral } from './conclusion.ts';
import type { Conclusion } from './conclusion.ts';
import { beginDelivery } from './trace.ts';
import type { DeliverySpan } from './trace.ts';

/** A notification and what it is about, both as they stand now. */
export interface Loaded {
  readonly notification: StoredNotification;
  readonly subject: Subject;
}

/** How long a queue rests while Postgres does not answer, in ms: its jobs would only go round. */
const AWAY_REST_MS = 5_000;

/**
 * While notifiers are replaced one by one, an older one meets what a newer one's file has asked for. For so long after
 * the fact it leaves that to others, and looks again so often, in ms.
 */
const UNKNOWN_FOR_MS = 600_000;
const UNKNOWN_AGAIN_MS = 10_000;

/** The truth about notifications, in Postgres. */
export interface Deliveries {
  /**
   * null when there is no such row (a database restored from a
   * backup); unparsed when it, or the row it is about, cannot be used.
   */
  readonly load: (id: string) => Promise<Parsed<Loaded> | null>;
  /** Keeps what came of it, unless it has ended otherwise in the meantime. Tries for a while, until `signal` aborts. */
  readonly conclude: (id: string, conclusion: Conclusion, signal: AbortSignal) => Promise<void>;
  /** Cancels it and plans what takes its place, in one transaction; then schedules those. */
  readonly replace: (
    notification: StoredNotification,
    reason: string,
    replacements: readonly PlannedNotification[],
  ) => Promise<void>;
}

export interface DeliveryOptions {
  readonly deliveries: Deliveries;
  readonly rules: NotificationRules;
  readonly destination: Destination;
  readonly clock: () => Instant;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly log: Logger;
  readonly metrics: DeliveryMetrics;
  /** Undefined where traces are off. */
  readonly tracer?: Tracer | undefined;
}

/**
 * The work of one job: look at the row, say it, keep what came of it, in this order. A
 * crash after the receiver's answer and before the row is written repeats the delivery,
 * with the same id; nothing is ever taken for delivered that was not answered.
 */
export const createDelivery = (options: DeliveryOptions): WorkerOptions['work'] => {
  const {
    destination: { name },
    log,
  } = options;
  let isAway = false;
  return async (job, signal) => {
    try {
      const outcome = await deliver(options, job, signal);
      if (isAway) log.info({ destination: name }, 'Postgres answers again; notifications go on');
      isAway = false;
      return outcome;
    } catch (error) {
      if (classifyError(error) !== 'infrastructure') throw error;
      if (!isAway) log.warn({ err: error, destination: name }, 'Postgres does not answer, so notifications wait');
      isAway = true;
      return { kind: 'rest', afterMs: AWAY_REST_MS };
    }
  };
};

interface RunningJob {
  readonly id: string;
  readonly data: JobData;
}

const deliver = async (options: DeliveryOptions, job: RunningJob, signal: AbortSignal): Promise<JobOutcome> => {
  const { deliveries, destination, clock, log, metrics, tracer } = options;
  const { name } = destination;
  const { id } = job;
  const span = beginDelivery(tracer, name, job);
  const loaded = await deliveries.load(id);
  if (loaded === null) return { kind: 'done' };
  if (!loaded.ok) {
    metrics.count(destination, 'failed');
    const conclusion = { kind: 'failed', attempts: null, reason: loaded.issues.join('; ') } as const;
    return concluded(options, { id, notification: null, span }, conclusion, signal);
  }
  const { notification, subject } = loaded.value;
  const due = isDue(notification, clock());
  if (due === 'over') return { kind: 'done' };
  if (due !== 'due') return { kind: 'later', afterMs: due.afterMs };

  if (!isAskedFor(options.rules, notification) && clock() - notification.factAt < UNKNOWN_FOR_MS)
    return { kind: 'later', afterMs: UNKNOWN_AGAIN_MS };

  const said = await say(options, loaded.value, signal);
  if (said.kind === 'deferred') {
    metrics.count(destination, 'deferred');
    return jobAfterDeferral(said);
  }
  if (said.kind === 'cancel') {
    metrics.count(destination, 'cancelled');
    log.info(
      {
        ...aboutOf(id, name, notification),
        reason: said.reason,
        replacements: said.replacements.length,
        traceId: span.traceId,
      },
      'a notification is cancelled',
    );
    await deliveries.replace(notification, said.reason, said.replacements);
    return { kind: 'done' };
  }
  // Cut off by our own stop: whoever comes next tries again at once, and the receiver has not failed.
  if (said.kind === 'retry' && signal.aborted) return { kind: 'later', afterMs: 0 };
  const conclusion = afterAttempt(notification.attempts, said, clock(), options.random());
  metrics.count(destination, conclusion.kind);
  // What is told afterwards says nothing of how fast what is new is told.
  if (conclusion.kind === 'delivered' && notification.reminder === null && notification.priority !== AFTERWARDS)
    metrics.observe(name, (conclusion.at - subject.at) / 1000, span.sampledTraceId);
  return concluded(options, { id, notification, span }, conclusion, signal);
};

/** Whether this process's file knows the rule, and the rule this destination. */
const isAskedFor = ({ rules }: NotificationRules, { rule, destination }: StoredNotification): boolean =>
  rules.some(({ name, to }) => name === rule && to.includes(destination));

const say = async (
  { rules, destination, clock, log }: DeliveryOptions,
  { notification, subject }: Loaded,
  signal: AbortSignal,
): Promise<Outcome | Deferred | Extract<Composed, { kind: 'cancel' }>> => {
  try {
    const composed = compose(rules, notification, subject, clock());
    if (composed.kind === 'cancel') return composed;
    return await destination.deliver(composed.message, {
      notificationId: notification.id,
      sequence: notification.factId,
      attempt: notification.attempts + 1,
      signal,
    });
  } catch (error) {
    // A bug of ours, in words or in a channel: it uses up attempts like
    // a receiver's failure, so that it does not go on for ever unseen.
    log.error(
      {
        code: codeOf('notify', 'broke'),
        err: error,
        ...aboutOf(notification.id, destination.name, notification),
        traceId: traceIdOf(notification.traceparent),
      },
      'an attempt to notify broke',
    );
    return { kind: 'retry', reason: 'the attempt broke; the log of the notifier says where' };
  }
};

interface Attempted {
  readonly id: string;
  /** Null when its row could not be read. */
  readonly notification: StoredNotification | null;
  readonly span: DeliverySpan;
}

/** The row first, then the job: a job that is lost in between is made again, and finds the row. */
const concluded = async (
  { deliveries, destination: { name }, clock, log }: DeliveryOptions,
  { id, notification, span }: Attempted,
  conclusion: Conclusion,
  signal: AbortSignal,
): Promise<JobOutcome> => {
  await deliveries.conclude(id, conclusion, signal);
  span.ended(conclusion, notification);
  const facts = { ...aboutOf(id, name, notification), attempts: conclusion.attempts, traceId: span.traceId };
  if (conclusion.kind === 'delivered') log.info(facts, 'a notification was sent');
  else if (conclusion.kind === 'retrying') {
    log.warn(
      { ...facts, reason: gistOf(conclusion.reason), next: new Date(conclusion.nextAttemptAt).toISOString() },
      'a notification was not delivered and will be tried again',
    );
  } else {
    log.error(
      { code: codeOf('notify', 'failed'), ...facts, reason: gistOf(conclusion.reason) },
      'a notification has failed; npx dakia notifications list shows why, retry sends it again',
    );
  }
  return jobAfter(id, conclusion, clock());
};

/** What a log line says of a notification; that of its row only where that could be read. */
const aboutOf = (id: string, destination: string, notification: StoredNotification | null) => ({
  notification: id,
  destination,
  ...(notification !== null && {
    eventId: notification.eventId ?? undefined,
    fact: notification.kind,
    family: notification.family,
    key: notification.entityKey,
  }),
});

/**
 * What stands before the first colon is ours or a status; what
 * follows is what a receiver said, which may quote what it was sent.
 */
const gistOf = (reason: string): string => reason.slice(0, reason.includes(':') ? reason.indexOf(':') : undefined);
