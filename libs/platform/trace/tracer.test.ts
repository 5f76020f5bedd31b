import { isSampledIn, readTraceparent, traceIdIn } from './context.ts';
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

test('a context that is handed on before its span is started is that of the span, and of the trace of its parent', () => {
  const { kept, tracer } = tracerOf(1);
  const first = tracer.context();
  expect(first).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  const below = tracer.context(first);
  expect([traceIdIn(below), below === first]).toEqual([traceIdIn(first), false]);
  tracer.start({ name: 'below', kind: 'producer', parent: first, context: below }).end();
  expect(kept[0]).toMatchObject({ context: readTraceparent(below), parent: readTraceparent(first) });
  expect(tracer.context('no context')).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  expect(isSampledIn(tracerOf(0).tracer.context())).toBe(false);
  expect(isSampledIn(tracerOf(0).tracer.context(first))).toBe(true);
});
