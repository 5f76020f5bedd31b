import promClient from 'prom-client';
import { createLogger } from '#platform/log';
import type { JobOutcome } from '#platform/queue';
import { instant, parsed, unparsed } from '#rules';
import type { Parsed } from '#rules';
import type { Outcome } from '../channels/channel.ts';
import type { Destination } from '../channels/destinations.ts';
import type { Deferred } from '../channels/rate-limit.ts';
import type { PlannedNotification } from '../rules/plan.ts';
import { readRuleFile } from '../rules/rule-file.ts';
import type { StoredNotification } from '../store/notification-store.ts';
import type { Subject } from '../subject.ts';
import { createDelivery } from './delivery.ts';
import type { Loaded } from './delivery.ts';
import { createDeliveryMetrics } from './metrics.ts';
import type { Conclusion } from './conclusion.ts';

const NOW = instant(1_700_000_000_000);
const HOUR = 3_600_000;
const RULES = `destinations: {team: {type: log}}
rules:
  - {name: disputes, when: dispute.opened, to: team, reminders: {before: respond_by, hours: [24], while: [open]}}
`;
const rules = readRuleFile(RULES, 'rules.yaml');
const dispute = (columns: Subject['columns'] = {}, status = 'open'): Subject => ({
  kind: 'dispute.opened',
  occurrence: 'chargeback',
  family: 'disputes',
  entityId: 'disp_1',
  at: instant(NOW - 250),
  endpoint: null,
  status,
  columns,
});
const loaded = (more: Partial<StoredNotification> = {}, subject = dispute()): Loaded => ({
  notification: {
    id: 'ntf_1',
    factId: 7,
    kind: 'dispute.opened',
    occurrence: 'chargeback',
    family: 'disputes',
    entityKey: 'disp_1',
    factAt: subject.at,
    endpoint: null,
    eventId: 'evt_1',
    rule: 'disputes',
    destination: 'team',
    priority: 1,
    reminder: null,
    status: 'pending',
    attempts: 0,
    nextAttemptAt: NOW,
    traceparent: null,
    ...more,
  },
  subject,
});
const reminder = { before: 'respond_by', at: NOW + 24 * HOUR, hours: 24 };

/** One job, against a row and a receiver that the test makes up. */
const run = async (
  row: Parsed<Loaded> | null | Error,
  answer: Outcome | Deferred | Error = { kind: 'delivered', response: 'HTTP 204: asha@example.com' },
  signal = AbortSignal.any([]),
) => {
  if (!rules.ok) throw new Error(rules.issues.join());
  const concluded: Conclusion[] = [];
  const replaced: (readonly [string, readonly PlannedNotification[]])[] = [];
  const told: string[] = [];
  const logged: string[] = [];
  const registry = new promClient.Registry();
  const destination: Destination = {
    name: 'team',
    type: 'log',
    concurrency: 1,
    circuit: () => 'closed',
    close: async () => undefined,
    deliver: async ({ type }, { notificationId, sequence, attempt }) => {
      told.push(`${type} ${notificationId} ${sequence} ${attempt}`);
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
  const work = createDelivery({
    deliveries: {
      load: async () => {
        if (row instanceof Error) throw row;
        return row;
      },
      conclude: async (_id, conclusion) => void concluded.push(conclusion),
      replace: async (_notification, reason, replacements) => void replaced.push([reason, replacements]),
    },
    rules: rules.value,
    destination,
    clock: () => NOW,
    random: () => 0,
    log: createLogger('test', 'info', { write: (line) => void logged.push(line) }),
    metrics: createDeliveryMetrics(registry, new Map([['team', destination]])),
  });
  const again = (): Promise<JobOutcome> => work({ id: 'ntf_1', data: {} }, signal);
  return { outcome: await again(), again, concluded, replaced, told, logged, metrics: await registry.metrics() };
};

test('a due notification is said, kept as delivered, and the time since the fact is measured', async () => {
  const { outcome, concluded, told, logged, metrics } = await run(parsed(loaded({ attempts: 2, status: 'retrying' })));
  expect(told).toEqual(['dispute.opened ntf_1 7 3']);
  expect(concluded).toEqual([{ kind: 'delivered', attempts: 3, at: NOW, response: 'HTTP 204: asha@example.com' }]);
  expect(outcome).toEqual({ kind: 'done' });
  expect(metrics).toContain(
    'dakia_notification_attempts_total{destination="team",channel="log",outcome="delivered"} 1',
  );
  expect(metrics).toContain('dakia_notification_seconds_sum{destination="team"} 0.25');
  expect(logged.map((line) => JSON.parse(line) as unknown)).toEqual([
    expect.objectContaining({
      level: 'info',
      msg: 'a notification was sent',
      notification: 'ntf_1',
      destination: 'team',
      attempts: 3,
      eventId: 'evt_1',
      fact: 'dispute.opened',
      family: 'disputes',
    }),
  ]);
});

test.each<[string, Parsed<Loaded> | null, JobOutcome]>([
  ['is gone', null, { kind: 'done' }],
  ['is delivered', parsed(loaded({ status: 'delivered' })), { kind: 'done' }],
  ['is cancelled', parsed(loaded({ status: 'cancelled' })), { kind: 'done' }],
  [
    'was asked for a moment ago by a rule that only a newer file has',
    parsed(loaded({ rule: 'newer' })),
    { kind: 'later', afterMs: 10_000 },
  ],
  ['has not come', parsed(loaded({ nextAttemptAt: instant(NOW + 9) })), { kind: 'later', afterMs: 9 }],
])('nothing is said when the row %s', async (_name, row, expected) => {
  const { outcome, concluded, told } = await run(row);
  expect([outcome, concluded, told]).toEqual([expected, [], []]);
});

test('a row that cannot be used fails with its reason, once, in the log and in the row', async () => {
  const { outcome, concluded, told, logged } = await run(unparsed('there is no fact "dispute.vanished"'));
  expect(concluded).toEqual([{ kind: 'failed', attempts: null, reason: 'there is no fact "dispute.vanished"' }]);
  expect([outcome.kind, told]).toEqual(['failed', []]);
  expect(logged).toHaveLength(1);
});

test.each<Deferred['reason']>(['quiet', 'circuit', 'rate', 'concurrency'])(
  'deferred by %s is no attempt',
  async (reason) => {
    const { outcome, concluded, metrics } = await run(parsed(loaded()), { kind: 'deferred', reason, afterMs: 40 });
    expect(outcome).toEqual({ kind: reason === 'concurrency' ? 'later' : 'rest', afterMs: 40 });
    expect(concluded).toEqual([]);
    expect(metrics).toContain('outcome="deferred"} 1');
  },
);

test('a failure is kept with the time of the next attempt; neither log nor job quotes the receiver', async () => {
  const { outcome, concluded, logged } = await run(parsed(loaded()), {
    kind: 'retry',
    reason: 'HTTP 500: asha@example.com',
  });
  expect(concluded).toEqual([
    { kind: 'retrying', attempts: 1, reason: 'HTTP 500: asha@example.com', nextAttemptAt: NOW + 5_000 },
  ]);
  expect(outcome).toEqual({ kind: 'later', afterMs: 5_000 });
  expect(logged).toHaveLength(1);
  expect(logged[0]).toContain('"reason":"HTTP 500"');
  expect(JSON.stringify([outcome, logged])).not.toContain('asha');
});

test('what only somebody can mend is failed', async () => {
  const { outcome, concluded, logged } = await run(parsed(loaded()), {
    kind: 'failed',
    reason: 'HTTP 410: asha@example.com',
  });
  expect(concluded).toEqual([{ kind: 'failed', attempts: 1, reason: 'HTTP 410: asha@example.com' }]);
  expect(outcome.kind).toBe('failed');
  expect(JSON.stringify([outcome, logged])).not.toContain('asha');
});

test('an attempt that our own stop cut off is not counted; one that was answered is', async () => {
  const stopped = AbortSignal.abort();
  const cut = await run(
    parsed(loaded()),
    { kind: 'retry', reason: 'the notifier stopped before an answer came' },
    stopped,
  );
  expect([cut.outcome, cut.concluded]).toEqual([{ kind: 'later', afterMs: 0 }, []]);
  const answered = await run(parsed(loaded()), { kind: 'delivered', response: 'HTTP 200' }, stopped);
  expect(answered.concluded).toHaveLength(1);
});

test('an attempt that breaks is logged and counts', async () => {
  const { outcome, concluded, logged } = await run(parsed(loaded()), new TypeError('a bug'));
  expect(concluded).toMatchObject([{ kind: 'retrying', attempts: 1 }]);
  expect(outcome).toEqual({ kind: 'later', afterMs: 5_000 });
  expect(logged.join()).toContain('a bug');
});

test('while Postgres is away the queue rests, and the log says so once', async () => {
  const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
  const { again, outcome, told, logged } = await run(refused);
  expect([outcome, await again()]).toEqual([
    { kind: 'rest', afterMs: 5_000 },
    { kind: 'rest', afterMs: 5_000 },
  ]);
  expect([told, logged.length]).toEqual([[], 1]);
  await expect(run(new TypeError('a bug'))).rejects.toThrow('a bug');
});

test.each<[string, Loaded, string, number]>([
  [
    'the rule is gone',
    loaded({ rule: 'old', factAt: instant(NOW - 600_000) }),
    'the rule "old" is no longer in the file',
    0,
  ],
  [
    'the dispute moved on',
    loaded({ reminder }, dispute({ respond_by: reminder.at }, 'under_review')),
    'moved on: the status is under_review',
    0,
  ],
  [
    'the deadline moved',
    loaded({ reminder }, dispute({ respond_by: NOW + 50 * HOUR })),
    'respond_by is another time now',
    1,
  ],
])('%s: cancelled, nothing is said', async (_name, row, reason, replacements) => {
  const { outcome, concluded, replaced, told, metrics } = await run(parsed(row));
  expect(replaced.map(([why, instead]) => [why, instead.length])).toEqual([[reason, replacements]]);
  expect([outcome, concluded, told]).toEqual([{ kind: 'done' }, [], []]);
  expect(metrics).toContain('outcome="cancelled"} 1');
});

test('a reminder is said with its own type, and is not in the time since the fact', async () => {
  const { told, metrics } = await run(parsed(loaded({ reminder }, dispute({ respond_by: reminder.at }))));
  expect(told).toEqual(['dispute.reminder ntf_1 7 1']);
  expect(metrics).not.toContain('dakia_notification_seconds_sum{');
});
