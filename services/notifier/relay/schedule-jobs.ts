import type { Logger } from '#platform/log';
import type { Job, JobData, JobQueue } from '#platform/queue';
import type { Instant } from '#rules';
import type { JobRequest } from '../store/notification-store.ts';

/** A job comes up at least this often, in ms, however far away its time is: queues do not reach further than a year. */
const JOB_DELAY_MS_MAX = 30 * 86_400_000;
/** How long no queue is asked after one did not answer, in ms. What is planned meanwhile is found by the sweeper. */
const QUIET_MS = 5_000;

/** Of the job of a notification: its id, and the W3C trace context that its delivery goes on with. */
export const jobData = (id: string, traceparent: string | null): JobData =>
  traceparent === null ? { id } : { id, traceparent };

/** How long its job waits for the time of a notification, in ms. */
export const delayUntil = (dueAt: Instant, now: Instant): number =>
  Math.min(Math.max(dueAt - now, 0), JOB_DELAY_MS_MAX);

export interface JobSchedulerOptions {
  /** By destination. */
  readonly queues: ReadonlyMap<string, JobQueue>;
  readonly clock: () => Instant;
  readonly log: Logger;
  /** Called when queues take jobs again after they did not: jobs are missing. */
  readonly onBack?: () => void;
}

/** Tells the workers what there is to do. Postgres holds it all, so what gets lost here costs time only. */
export interface JobScheduler {
  /** Does not reject. */
  readonly schedule: (
    requests: readonly JobRequest[],
    silenced?: readonly { readonly id: string; readonly destination: string }[],
  ) => Promise<void>;
}

export const createJobScheduler = ({
  queues,
  clock,
  log,
  onBack = () => undefined,
}: JobSchedulerOptions): JobScheduler => {
  let quietUntil: number | undefined;

  const jobsOf = (requests: readonly JobRequest[], again: boolean): readonly Job[] =>
    requests
      .filter((request) => request.again === again)
      .map(({ id, priority, dueAt, traceparent }) => ({
        id,
        data: jobData(id, traceparent),
        priority,
        delayMs: delayUntil(dueAt, clock()),
      }));

  return {
    schedule: async (requests, silenced = []) => {
      if (requests.length + silenced.length === 0 || (quietUntil !== undefined && performance.now() < quietUntil))
        return;
      const [scheduling, silencing] = [
        Map.groupBy(requests, ({ destination }) => destination),
        Map.groupBy(silenced, ({ destination }) => destination),
      ];
      try {
        await Promise.all(
          [...new Set([...scheduling.keys(), ...silencing.keys()])].map(async (destination) => {
            const queue = queues.get(destination);
            const own = scheduling.get(destination) ?? [];
            // First what is over: what lives again has the same id.
            await queue?.remove((silencing.get(destination) ?? []).map(({ id }) => id));
            await queue?.add(jobsOf(own, false));
            await queue?.renew(jobsOf(own, true));
          }),
        );
        if (quietUntil !== undefined) {
          quietUntil = undefined;
          onBack();
        }
      } catch (error) {
        if (quietUntil === undefined)
          log.warn(
            { err: error },
            'notifications are planned, but their queues do not take jobs: they are sent when the sweeper finds them',
          );
        quietUntil = performance.now() + QUIET_MS;
      }
    },
  };
};
