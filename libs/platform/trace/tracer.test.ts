import { deliveryContext, readTraceparent } from './context.ts';
import { createTracer, LINKS_MAX } from './tracer.ts';
import type { KeptSpan } from './tracer.ts';

const tracerOf = (ratio: number) => {
  const kept: KeptSpan[] = [];
  return { kept, tracer: createTracer(ratio, (span) => void kept.push(span)) };
};

test('a child is of the trace of its parent, and sampled as that', () => {
  const { kept, tracer } = tracerOf(1);
  const parent = tracer.start({ name: 'parent', kind: 'server' });
  const child = tracer.start({ name: 'child', kind: 'internal', parent });
  child.end({ name: 'a better name', attributes: () => ({ a: 1 }) });
  parent.end();
  expect(kept.map(({ name }) => name)).toEqual(['a better name', 'parent']);
  expect(kept[0]).toMatchObject({ parent: readTraceparent(parent.traceparent), attributes: { a: 1 } });
  expect(kept[0]?.context.traceId).toBe(parent.traceId);
  expect(kept[1]?.parent).toBeUndefined();
});

test('what is not sampled is kept when it failed, or is wanted, under the ids that it has handed on', () => {
  const { kept, tracer } = tracerOf(0);
  const [good, failed, wanted] = ['good', 'failed', 'wanted'].map((name) => tracer.start({ name, kind: 'internal' }));
  good?.end();
  failed?.end({ error: 'parked' });
  wanted?.end({ keep: true });
  expect(kept.map(({ name, error }) => [name, error])).toEqual([
    ['failed', 'parked'],
    ['wanted', undefined],
  ]);
  expect(failed?.traceparent).toMatch(/-00$/);
  expect(kept[0]?.context).toEqual(readTraceparent(failed?.traceparent));
});

test('it begins when it is said to have begun, never after its end, and has a bound of links', () => {
  const { kept, tracer } = tracerOf(1);
  const link = tracer.start({ name: 'other', kind: 'producer' }).traceparent;
  const before = Date.now();
  tracer
    .start({ name: 'long', kind: 'internal', startedAt: performance.now() - 1_000 })
    .end({ links: [...Array.from({ length: LINKS_MAX + 1 }, () => link), 'no context'] });
  tracer.start({ name: 'odd', kind: 'internal', startedAt: performance.now() + 1_000 }).end();
  const [long, odd] = kept;
  expect(long?.links).toHaveLength(LINKS_MAX);
  expect((long?.endedAtMs ?? 0) - (long?.startedAtMs ?? 0)).toBeGreaterThanOrEqual(1_000);
  expect(Math.abs((long?.endedAtMs ?? 0) - before)).toBeLessThan(1_000);
  expect(odd?.startedAtMs).toBe(odd?.endedAtMs);
});

test('a context that was handed on before its span is started is that of the span', () => {
  const { kept, tracer } = tracerOf(0);
  const [above, context] = [deliveryContext('ev1', 1), { ...deliveryContext('ev1', 2), isSampled: true }];
  const span = tracer.start({ name: 'send', kind: 'producer', parent: above, context });
  expect(span).toMatchObject(context);
  span.end();
  expect(kept[0]).toMatchObject({ context, parent: above });
});

test('of a span that is not kept and whose ids nobody asks for, its trace is not asked for either', () => {
  const { kept, tracer } = tracerOf(1);
  let asked = 0;
  const parent = () => {
    asked += 1;
    return deliveryContext('ev1', 1);
  };
  const [good, failed] = ['good', 'failed'].map((name) => tracer.start({ name, kind: 'consumer', parent }));
  good?.end();
  expect([asked, kept]).toEqual([0, []]);
  failed?.end({ error: 'parked' });
  expect(kept[0]).toMatchObject({ context: { traceId: parent().traceId, isSampled: false }, parent: parent() });
  expect(good?.traceId).toBe(parent().traceId);
  const { traceparent } = good ?? {};
  expect(readTraceparent(traceparent)).toEqual({ traceId: good?.traceId, spanId: good?.spanId, isSampled: false });
});

test('of the traces that begin the given share is sampled, none of 0 and all of 1', () => {
  const count = 20_000;
  const share = (ratio: number): number => {
    const { tracer } = tracerOf(ratio);
    return Array.from({ length: count }, tracer.samples).filter(Boolean).length / count;
  };
  expect([share(0), share(1)]).toEqual([0, 1]);
  // Ten standard deviations.
  expect(Math.abs(share(0.1) - 0.1)).toBeLessThan(0.022);
  const begun = Array.from({ length: 2 }, (_, ratio) => tracerOf(ratio).tracer.start({ name: 'one', kind: 'server' }));
  expect(begun.map(({ isSampled }) => isSampled)).toEqual([false, true]);
});
