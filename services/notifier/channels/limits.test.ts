import { closedCircuit } from '#platform/time';
import { ATTEMPTS_MAX, waitAfterMs } from './back-off.ts';
import type { Outcome } from './channel.ts';
import { CIRCUIT, enter, leave, unusedLimits } from './rate-limit.ts';
import type { LimitState, Limits } from './rate-limit.ts';
import { RETRY_AFTER_MAX_MS, retryAfterMs } from './retry-after.ts';
import { fullBucket, rateOf, taken, tokenWaitMs } from './token-bucket.ts';

const NOW = 1_700_000_000_000;
const { failuresToOpen: FAILURES_TO_OPEN, coolDownMs: COOL_DOWN_MS } = CIRCUIT;

describe('token bucket', () => {
  test('gives its burst at once, then one each interval, never more than the burst after a pause', () => {
    const rate = rateOf(2);
    const empty = taken(taken(fullBucket(rate, NOW), rate, NOW), rate, NOW);
    expect(tokenWaitMs(empty, rate, NOW)).toBe(500);
    expect(tokenWaitMs(empty, rate, NOW + 499)).toBe(1);
    expect(tokenWaitMs(empty, rate, NOW + 500)).toBe(0);
    const rested = taken(taken(empty, rate, NOW + 60_000), rate, NOW + 60_000);
    expect(tokenWaitMs(rested, rate, NOW + 60_000)).toBe(500);
  });

  test('slower than one a second still gives one', () => {
    const rate = rateOf(0.1);
    expect(tokenWaitMs(fullBucket(rate, NOW), rate, NOW)).toBe(0);
    expect(tokenWaitMs(taken(fullBucket(rate, NOW), rate, NOW), rate, NOW)).toBe(10_000);
  });

  test('a clock that goes backwards gives nothing and takes nothing', () => {
    const rate = rateOf(1);
    expect(tokenWaitMs(fullBucket(rate, NOW), rate, NOW - 60_000)).toBe(0);
    expect(tokenWaitMs(taken(fullBucket(rate, NOW), rate, NOW), rate, NOW - 60_000)).toBe(1_000);
  });

  test('over a long time it is the rate, whatever the steps', () => {
    const rate = rateOf(3);
    let [bucket, sent] = [fullBucket(rate, NOW), 0];
    for (let ms = 0; ms <= 100_000; ms += 7) {
      if (tokenWaitMs(bucket, rate, NOW + ms) > 0) continue;
      bucket = taken(bucket, rate, NOW + ms);
      sent += 1;
    }
    expect(sent).toBeGreaterThanOrEqual(300);
    expect(sent).toBeLessThanOrEqual(303);
  });
});

describe('the limits of a destination', () => {
  const limits: Limits = { concurrency: 2, rate: rateOf(100) };
  const delivered: Outcome = { kind: 'delivered', response: '' };
  const later: Outcome = { kind: 'retry', reason: '' };
  const fresh = unusedLimits(limits, NOW);
  const entered = (limitState: LimitState): LimitState => {
    const next = enter(limitState, limits, NOW);
    if ('kind' in next) throw new Error(`deferred by ${next.reason}`);
    return next;
  };
  const failing = (limitState: LimitState, times: number): LimitState =>
    times === 0 ? limitState : failing(leave(entered(limitState), later, NOW), times - 1);

  test.each<[string, LimitState, unknown]>([
    ['a place is free', entered(fresh), undefined],
    ['all places are taken', entered(entered(fresh)), { kind: 'deferred', reason: 'concurrency', afterMs: 50 }],
    ['a place is given back', leave(entered(entered(fresh)), delivered, NOW), undefined],
    [
      'tokens are used up',
      { ...fresh, bucket: { tokens: 0, atMs: NOW } },
      { kind: 'deferred', reason: 'rate', afterMs: 10 },
    ],
    ['failures, but not enough', failing(fresh, FAILURES_TO_OPEN - 1), undefined],
    [
      'the circuit is open',
      failing(fresh, FAILURES_TO_OPEN),
      { kind: 'deferred', reason: 'circuit', afterMs: COOL_DOWN_MS },
    ],
    [
      'the receiver asked for quiet',
      leave(entered(fresh), { ...later, afterMs: 3_000 }, NOW),
      { kind: 'deferred', reason: 'quiet', afterMs: 3_000 },
    ],
  ])('%s', (_name, limitState, expected) => {
    const next = enter(limitState, limits, NOW);
    expect('kind' in next ? next : undefined).toEqual(expected);
  });

  test('"failed" and "later, in 1 s" are answers of something alive: the circuit stays closed', () => {
    for (const outcome of [
      { kind: 'failed', reason: '' },
      { kind: 'retry', reason: '', afterMs: 0 },
    ] as const) {
      let limitState = fresh;
      for (let i = 0; i < FAILURES_TO_OPEN * 2; i++) limitState = leave(entered(limitState), outcome, NOW);
      expect(limitState.circuit).toEqual(closedCircuit);
    }
  });

  test('after the cool-down one probe goes, and is not used up while a place or a token is missing', () => {
    const dead = failing(fresh, FAILURES_TO_OPEN);
    const later = NOW + COOL_DOWN_MS;
    const noToken = enter({ ...dead, bucket: { tokens: -1, atMs: later } }, limits, later);
    expect(noToken).toMatchObject({ kind: 'deferred', reason: 'rate' });
    const probe = enter(dead, limits, later) as LimitState;
    expect(probe.circuit.kind).toBe('probing');
    expect(enter(probe, limits, later)).toMatchObject({ kind: 'deferred', reason: 'circuit' });
    expect(leave(probe, delivered, later)).toMatchObject({ inFlight: 0, circuit: closedCircuit });
  });
});

describe('Retry-After', () => {
  const date = new Date(NOW + 90_000).toUTCString();
  test.each<[string | undefined, number | undefined]>([
    [undefined, undefined],
    ['0', 0],
    [' 120 ', 120_000],
    ['9999999999', RETRY_AFTER_MAX_MS],
    ['-5', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    ['', undefined],
    [date, 90_000],
    [new Date(NOW - 90_000).toUTCString(), 0],
    ['Fri, 31 Dec 2100 23:59:59 GMT', RETRY_AFTER_MAX_MS],
    ['Someday, 99 Nov', undefined],
  ])('%s', (header, expected) => {
    expect(retryAfterMs(header, NOW)).toBe(expected);
  });
});

describe('back-off', () => {
  test.each<[number, number | undefined, number, number | null]>([
    [1, undefined, 0, 5_000],
    [1, undefined, 1, 3_750],
    [2, undefined, 0, 10_000],
    [10, undefined, 0, 2_560_000],
    [11, undefined, 0, 3_600_000],
    [1, 7_000, 1, 7_000],
    [5, 7_000, 0, 80_000],
    [ATTEMPTS_MAX - 1, undefined, 0, 3_600_000],
    [ATTEMPTS_MAX, undefined, 0, null],
    [ATTEMPTS_MAX, 7_000, 0, null],
  ])('after attempt %d with a wish of %p', (attempt, wish, random, expected) => {
    expect(waitAfterMs(attempt, wish, random)).toBe(expected);
  });

  test('all attempts together span most of a day', () => {
    let hours = 0;
    for (let attempt = 1; attempt < ATTEMPTS_MAX; attempt++)
      hours += (waitAfterMs(attempt, undefined, 0) ?? 0) / 3_600_000;
    expect(hours).toBeGreaterThan(20);
    expect(hours).toBeLessThan(24);
  });
});
