import { counter, gauge, histogram, oneOf } from '../declaration.ts';
import { destination, queue, queueStates, waitingStatus } from '../label-sets.ts';

const channel = oneOf(['http', 'slack', 'email', 'log']);

/** Facts in, notifications out, and the queues between. */
export const notifyMetrics = {
  dakia_facts_relayed_total: counter('Facts of the outbox that were turned into notifications, also into none.', {}),
  dakia_facts_unusable_total: counter(
    'Facts among them that could not be understood; audit_logs says why.',
    {},
    { movesOnlyWhen: 'a fact cannot be understood' },
  ),
  dakia_outbox_unrelayed: gauge('Facts that are not relayed yet.', {}),
  dakia_outbox_oldest_seconds: gauge('Age of the oldest fact that is not relayed; 0 when there is none.', {}),

  dakia_notifications_planned_total: counter('Notifications that facts asked for.', { destination }),
  dakia_notifications: gauge('Notifications that wait for their time or another attempt, and those that have failed.', {
    destination,
    status: waitingStatus,
  }),
  dakia_notification_attempts_total: counter(
    'Notifications whose time had come, by what came of it. deferred: not tried, the destination is to be left alone.',
    {
      destination,
      channel,
      outcome: oneOf(['delivered', 'retrying', 'failed', 'cancelled', 'deferred']),
    },
  ),
  dakia_notification_seconds: histogram(
    'Time from a fact to its delivery; reminders are not in it.',
    { destination },
    [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1_800, 7_200, 86_400],
    { traced: true },
  ),
  dakia_notification_circuit_open: gauge(
    '1 while a destination is taken for dead and left alone.',
    { destination },
    { movesOnlyWhen: 'a destination fails several times in a row' },
  ),

  dakia_jobs_total: counter('Runs of jobs by how they ended.', {
    queue,
    outcome: oneOf(['completed', 'failed', 'stalled', 'later', 'rest', 'unexpected']),
  }),
  dakia_job_duration_seconds: histogram(
    'Time that a worker had a job in hand.',
    { queue },
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  ),
  dakia_queue_jobs: gauge('Jobs by queue and state.', { queue, state: oneOf(queueStates) }),
  dakia_queue_oldest_seconds: gauge('Age of the oldest job that should run now or runs; 0 when there is none.', {
    queue,
  }),
} as const;
