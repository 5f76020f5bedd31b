import fc from 'fast-check';
import { asKept, newSpanId, newTraceId, ratioOf, readTraceparent, traceIdOf, traceparentOf } from './context.ts';

const context = fc.record({
  traceId: fc.constant(undefined).map(newTraceId),
  spanId: fc.constant(undefined).map(newSpanId),
  isSampled: fc.boolean(),
});

test('what is written is read again, and stays itself when it is kept', () => {
  fc.assert(
    fc.property(context, (one) => {
      const text = traceparentOf(one);
      expect(text).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
      expect(readTraceparent(text)).toEqual(one);
      expect(readTraceparent(asKept(text))).toEqual({ ...one, isSampled: true });
    }),
  );
});

test.each([
  ['', 'nothing'],
  ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7', 'no flags'],
  ['00-00000000000000000000000000000000-00f067aa0ba902b7-01', 'a trace id of zeros'],
  ['00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01', 'a span id of zeros'],
  ['ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', 'the version ff'],
  ['00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01', 'upper case'],
  ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\n', 'an end of line'],
])('%j is no trace context: %s', (text) => {
  expect(readTraceparent(text)).toBeUndefined();
  expect(traceIdOf(text)).toBeUndefined();
  expect(asKept(text)).toBe(text);
});

test('other flags than the first say nothing about sampling', () => {
  expect(readTraceparent('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-02')?.isSampled).toBe(false);
  expect(readTraceparent('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03')?.isSampled).toBe(true);
});

test('of new traces the given share is sampled, none of 0 and all of 1', () => {
  const ids = Array.from({ length: 20_000 }, newTraceId);
  const share = (ratio: number): number => ids.filter(ratioOf(ratio)).length / ids.length;
  expect(share(0)).toBe(0);
  expect(share(1)).toBe(1);
  // Ten standard deviations.
  expect(Math.abs(share(0.1) - 0.1)).toBeLessThan(0.022);
  expect(new Set(ids).size).toBe(ids.length);
});

test('an id is in the ratio where the number of its last digits is below it', () => {
  fc.assert(
    fc.property(fc.constant(undefined).map(newTraceId), fc.double({ min: 0, max: 1, noNaN: true }), (id, ratio) => {
      expect(ratioOf(ratio)(id)).toBe(ratio >= 1 || Number.parseInt(id.slice(-13), 16) < ratio * 2 ** 52);
    }),
  );
  const at = (digits: string) => `4bf92f3577b34da6a3c${digits}`;
  expect(['7ffffffffffff', '8000000000000'].map((digits) => ratioOf(0.5)(at(digits)))).toEqual([true, false]);
});
