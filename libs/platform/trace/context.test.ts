import fc from 'fast-check';
import {
  asKept,
  contextBelow,
  deliveryContext,
  newSpanId,
  newTraceId,
  readTraceparent,
  traceIdOf,
  traceparentOf,
} from './context.ts';

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

test('ids that are drawn are ids, and each is another', () => {
  const [traces, spans] = [newTraceId, newSpanId].map((draw) => Array.from({ length: 1_000 }, draw));
  expect(traces?.filter((id) => !/^[0-9a-f]{32}$/.test(id))).toEqual([]);
  expect(spans?.filter((id) => !/^[0-9a-f]{16}$/.test(id))).toEqual([]);
  expect([new Set(traces).size, new Set(spans).size]).toEqual([1_000, 1_000]);
});

test('what is below a context is of its trace, and another span', () => {
  fc.assert(
    fc.property(context, (one) => {
      const below = contextBelow({ ...one, name: 'more than a context' } as typeof one);
      expect(below).toEqual({ ...one, spanId: below.spanId });
      expect(below.spanId).not.toBe(one.spanId);
    }),
  );
});

test('the context of a delivery is the same for whoever makes it, and another for the next delivery of its event', () => {
  const made = deliveryContext('SuB2iWmVpEKgtN', 1_764_400_000_000);
  // As it is written here: a release that made another would not find the traces of the one before.
  expect(traceparentOf(made)).toBe('00-ff6225323691aa3f1326f9f21928304b-55728e8950110d68-00');
  expect(readTraceparent(traceparentOf(made))).toEqual(made);
  const others = [
    deliveryContext('SuB2iWmVpEKgtN', 1_764_400_000_001),
    deliveryContext('SuB2iWmVpEKgtM', 1_764_400_000_000),
  ];
  expect(new Set([made, ...others].flatMap(({ traceId, spanId }) => [traceId, spanId])).size).toBe(6);
});
