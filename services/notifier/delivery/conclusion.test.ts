import type { NotificationStatus } from '#catalogue';
import { instant } from '#rules';
import { ATTEMPTS_MAX } from '../channels/back-off.ts';
import type { Outcome } from '../channels/channel.ts';
import type { Deferred } from '../channels/rate-limit.ts';
import { afterAttempt, isDue, jobAfter, jobAfterDeferral } from './conclusion.ts';
import type { Conclusion } from './conclusion.ts';

const NOW = instant(1_700_000_000_000);
const away = (ms: number) => instant(NOW + ms);
const DAY = 86_400_000;

test.each<[NotificationStatus, number, ReturnType<typeof isDue>]>([
  ['pending', 0, 'due'],
  ['pending', -DAY, 'due'],
  ['pending', 1, { afterMs: 1 }],
  ['retrying', -1, 'due'],
  ['retrying', 5_000, { afterMs: 5_000 }],
  ['pending', 500 * DAY, { afterMs: 30 * DAY }],
  ['delivered', 0, 'over'],
  ['failed', 0, 'over'],
  ['cancelled', 0, 'over'],
  ['delivered', DAY, 'over'],
])('%s, %d ms away', (status, awayMs, expected) => {
  expect(isDue({ status, nextAttemptAt: away(awayMs) }, NOW)).toEqual(expected);
});

test.each<[string, number, Outcome, number, Conclusion]>([
  [
    'delivered at the first attempt',
    0,
    { kind: 'delivered', response: 'HTTP 204' },
    0,
    { kind: 'delivered', attempts: 1, at: NOW, response: 'HTTP 204' },
  ],
  [
    'delivered at the last attempt',
    ATTEMPTS_MAX - 1,
    { kind: 'delivered', response: '' },
    0,
    { kind: 'delivered', attempts: ATTEMPTS_MAX, at: NOW, response: '' },
  ],
  ['refused', 2, { kind: 'failed', reason: 'HTTP 410' }, 0, { kind: 'failed', attempts: 3, reason: 'HTTP 410' }],
  [
    'the first failure',
    0,
    { kind: 'retry', reason: 'HTTP 500' },
    0,
    { kind: 'retrying', attempts: 1, reason: 'HTTP 500', nextAttemptAt: away(5_000) },
  ],
  [
    'jitter takes off',
    0,
    { kind: 'retry', reason: 'HTTP 500' },
    1,
    { kind: 'retrying', attempts: 1, reason: 'HTTP 500', nextAttemptAt: away(3_750) },
  ],
  [
    'the third failure',
    2,
    { kind: 'retry', reason: 'HTTP 500' },
    0,
    { kind: 'retrying', attempts: 3, reason: 'HTTP 500', nextAttemptAt: away(20_000) },
  ],
  [
    'Retry-After is longer',
    0,
    { kind: 'retry', reason: 'HTTP 429', afterMs: 60_000 },
    0,
    { kind: 'retrying', attempts: 1, reason: 'HTTP 429', nextAttemptAt: away(60_000) },
  ],
  [
    'Retry-After is shorter',
    4,
    { kind: 'retry', reason: 'HTTP 429', afterMs: 1_000 },
    0,
    { kind: 'retrying', attempts: 5, reason: 'HTTP 429', nextAttemptAt: away(80_000) },
  ],
  [
    'used up',
    ATTEMPTS_MAX - 1,
    { kind: 'retry', reason: 'HTTP 500', afterMs: 1 },
    0,
    { kind: 'failed', attempts: ATTEMPTS_MAX, reason: `given up after ${ATTEMPTS_MAX} attempts: HTTP 500` },
  ],
])('%s', (_name, before, outcome, random, expected) => {
  expect(afterAttempt(before, outcome, NOW, random)).toEqual(expected);
});

test('the job ends as the row says, and its reason quotes no receiver', () => {
  expect(
    jobAfter('ntf_1', { kind: 'delivered', attempts: 1, at: NOW, response: 'HTTP 200: asha@example.com' }, NOW),
  ).toEqual({ kind: 'done' });
  expect(
    jobAfter(
      'ntf_1',
      { kind: 'retrying', attempts: 1, reason: 'HTTP 500: asha@example.com', nextAttemptAt: away(5_000) },
      away(2),
    ),
  ).toEqual({ kind: 'later', afterMs: 4_998 });
  expect(jobAfter('ntf_1', { kind: 'retrying', attempts: 1, reason: '', nextAttemptAt: away(5) }, away(9))).toEqual({
    kind: 'later',
    afterMs: 0,
  });
  const failed = jobAfter('ntf_1', { kind: 'failed', attempts: 1, reason: 'HTTP 400: asha@example.com' }, NOW);
  expect(failed).toEqual({ kind: 'failed', reason: 'not delivered; npx dakia notifications list --id ntf_1 says why' });
});

test.each<[Deferred['reason'], 'rest' | 'later']>([
  ['quiet', 'rest'],
  ['circuit', 'rest'],
  ['rate', 'rest'],
  ['concurrency', 'later'],
])('deferred by %s: %s', (reason, kind) => {
  expect(jobAfterDeferral({ kind: 'deferred', reason, afterMs: 77 })).toEqual({ kind, afterMs: 77 });
});
