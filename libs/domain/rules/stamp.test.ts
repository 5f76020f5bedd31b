import fc from 'fast-check';
import { compareStamps, UNKNOWN } from './stamp.ts';
import type { Stamp } from './stamp.ts';

const stamp = (eventId: string, ...order: readonly number[]): Stamp => ({ order, eventId });

test.each([
  ['the first number decides', stamp('a', 2, 0), stamp('b', 1, 9)],
  ['then the next', stamp('a', 1, 9), stamp('b', 1, 8)],
  ['the event id decides last', stamp('b', 1, 1), stamp('a', 1, 1)],
  ['what is unknown stands below 0', stamp('a', 1, 0), stamp('b', 1, UNKNOWN)],
  ['a number that is missing is unknown', stamp('a', 1, 0), stamp('b', 1)],
])('%s', (_name, higher, lower) => {
  expect(compareStamps(higher, lower)).toBeGreaterThan(0);
  expect(compareStamps(lower, higher)).toBeLessThan(0);
});

test('only the same event stands level', () => {
  expect(compareStamps(stamp('a', 1, UNKNOWN), stamp('a', 1, UNKNOWN))).toBe(0);
});

test('stamps are totally ordered', () => {
  const stamps = fc.record({
    order: fc.array(fc.integer({ min: -1, max: 2 }), { maxLength: 3 }),
    eventId: fc.constantFrom('a', 'b', 'c'),
  });
  fc.assert(
    fc.property(stamps, stamps, stamps, (a, b, c) => {
      expect(Math.sign(compareStamps(a, b)) + Math.sign(compareStamps(b, a))).toBe(0);
      if (compareStamps(a, b) <= 0 && compareStamps(b, c) <= 0) expect(compareStamps(a, c)).toBeLessThanOrEqual(0);
    }),
  );
});
