import { DEFAULT_RETRY_DELAYS_MS, JITTER, retryDelayMs } from './retry-policy.ts';

const MIDDLE = 0.5;

describe('the wait before a further attempt', () => {
  test.each([
    [1, 5_000],
    [2, 30_000],
    [3, 2 * 60_000],
    [4, 10 * 60_000],
    [5, 3_600_000],
    [6, 6 * 3_600_000],
    [7, null],
    [8, null],
    [1_000, null],
  ])('by default, after attempt %d: %p ms', (attempts, delay) => {
    expect(retryDelayMs({ delaysMs: DEFAULT_RETRY_DELAYS_MS }, attempts, MIDDLE)).toBe(delay);
  });

  test.each([
    ['the least', 0, 800],
    ['the middle', MIDDLE, 1_000],
    ['nearly the most', 0.999_999, 1_200],
  ])('chance takes off or adds a fifth: %s', (_, random, delay) => {
    expect(retryDelayMs({ delaysMs: [1_000] }, 1, random)).toBe(delay);
    expect(JITTER).toBe(0.2);
  });

  test.each([
    ['no delays: no attempt is left after the first', [], 1, null],
    ['a delay of 0 is a delay', [0], 1, 0],
    ['the attempts after the first are as many as the delays', [1_000, 2_000], 3, null],
  ])('%s', (_, delaysMs, attempts, delay) => {
    expect(retryDelayMs({ delaysMs }, attempts, MIDDLE)).toBe(delay);
  });
});
