import fc from 'fast-check';
import { backoffMs } from './backoff.ts';

test('the wait doubles from the first to the longest, and stays there however long it lasts', () => {
  const waits = [1, 2, 3, 4, 5, 1_000_000].map((tries) => backoffMs(tries, 100, 1_000, { jitter: 0 }));
  expect(waits).toEqual([100, 200, 400, 800, 1_000, 1_000]);
});

test('chance takes off what it may and nothing more; half unless it is said', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (tries, jitter, chance) => {
        const full = backoffMs(tries, 100, 10_000, { jitter: 0 });
        const wait = backoffMs(tries, 100, 10_000, { jitter, random: () => chance });
        expect(wait).toBeGreaterThanOrEqual(full * (1 - jitter) - 1e-6);
        expect(wait).toBeLessThanOrEqual(full);
      },
    ),
  );
  expect(backoffMs(1, 100, 1_000, { random: () => 1 })).toBe(50);
  expect(new Set(Array.from({ length: 20 }, () => backoffMs(1, 100, 1_000))).size).toBeGreaterThan(1);
});
