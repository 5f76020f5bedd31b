import fc from 'fast-check';
import { readDuration, writeDuration } from './duration.ts';
import type { DurationUnit } from './duration.ts';

const ALL: readonly DurationUnit[] = ['d', 'h', 'm', 's', 'ms'];
const YEAR_MS = 365 * 86_400_000;

test.each([
  ['90s', 90_000],
  ['30m', 1_800_000],
  ['2h', 7_200_000],
  ['1d', 86_400_000],
  ['250ms', 250],
])('%s is %i ms', (text, ms) => {
  expect(readDuration(text, ALL, YEAR_MS)).toBe(ms);
});

test.each(['', '5', 's', '0s', '-1s', '1.5s', '1 s', '1w', '366d', '1000000000ms', ' 1s'])('%p is none', (text) => {
  expect(readDuration(text, ALL, YEAR_MS)).toBeUndefined();
});

test('only the units that are asked for are read', () => {
  expect([readDuration('1d', ['h', 'm'], YEAR_MS), readDuration('1m', ['ms'], YEAR_MS)]).toEqual([
    undefined,
    undefined,
  ]);
});

test('what is written is read as the same', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 999_999_999 }), (ms) => {
      expect(readDuration(writeDuration(ms, ALL), ALL, YEAR_MS)).toBe(ms);
    }),
  );
  expect([writeDuration(21_600_000, ALL), writeDuration(86_400_000, ['h', 'ms'])]).toEqual(['6h', '24h']);
});
