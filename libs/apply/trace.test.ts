import { deliveryContext, traceparentOf } from '#platform/trace';
import type { Disposition, Instant } from '#rules';
import { createTracer } from '../platform/trace/tracer.ts';
import type { KeptSpan } from '../platform/trace/tracer.ts';
import { TEST_NOW, testEvent } from '../../test/kit/test-store.ts';
import { arrivalOf, underDerivedId } from './arrival.ts';
import type { Arrival } from './arrival.ts';
import type { Decision } from './reduce-events.ts';
import { beginTransaction, contextOf, endEvents, parkedContextOf, withSpans } from './trace.ts';

const place = { topic: 'rzp.payments.v1', partition: 3 };
const arrived = (id: string, more: Partial<Arrival> = {}): Arrival => ({
  ...arrivalOf(
    { offset: 7n, key: null, value: Buffer.from('raw'), envelope: testEvent('payment.captured', id, `pay_${id}`) },
    place,
    { has: () => true },
    TEST_NOW,
  ),
  ...more,
});
const decided = (arrival: Arrival, disposition: Disposition): Decision => ({
  arrival,
  disposition,
  reason: null,
  from: null,
  to: null,
  facts: [],
});
const tracing = (ratio: number) => {
  const kept: KeptSpan[] = [];
  const tracer = createTracer(ratio, (span) => void kept.push(span));
  return {
    kept,
    begin: (...arrivals: readonly Arrival[]) => withSpans(tracer, arrivals) as readonly [Arrival],
    tracer,
  };
};

test('a record that carries no trace was not sampled, whatever the ratio here', () => {
  const { kept, begin } = tracing(1);
  const [arrival] = begin(arrived('ev1'));
  endEvents([decided(arrival, 'applied')], undefined);
  expect([arrival.span?.isSampled, kept]).toEqual([false, []]);
});

test('what fails of it is kept in the trace of its delivery, as are its facts, its retries and its log lines', () => {
  const { kept, begin } = tracing(0);
  const [arrival] = begin(arrived('ev1'));
  const sent = deliveryContext('ev1', TEST_NOW);
  const context = contextOf(arrival);
  expect(context).toBe(`00-${sent.traceId}-${arrival.span?.spanId}-00`);
  expect(parkedContextOf(arrival)).toBe(context?.replace(/00$/, '01'));
  endEvents([decided(arrival, 'parked')], undefined);
  expect(kept).toMatchObject([{ error: 'parked', parent: sent, context: { traceId: sent.traceId } }]);
});

test('a sighting, and an event that is kept under another id, is in the trace of the delivery that brought it', () => {
  const { begin } = tracing(0);
  const sighting = arrived('ev1.order.0123456789abcdef', { sighting: { eventId: 'ev1', part: 'order' } });
  const [seen] = begin(sighting);
  const [moved] = begin(arrived('ev1')).map(underDerivedId);
  const { traceId } = deliveryContext('ev1', TEST_NOW);
  expect([seen.span?.traceId, moved?.span?.traceId]).toEqual([traceId, traceId]);
  const [again] = begin(arrived('ev1', { receivedAt: (TEST_NOW + 1) as Instant }));
  expect(again.span?.traceId).not.toBe(traceId);
});

test('one that carries its trace is of that, and sampled as that', () => {
  const { kept, begin } = tracing(0);
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const [arrival] = begin(arrived('ev1', { traceparent }));
  endEvents([decided(arrival, 'applied')], undefined);
  expect(kept).toMatchObject([{ context: { traceId: traceparent.slice(3, 35), isSampled: true } }]);
});

test('the transaction of an event that fails links to what sent it, made again or carried', () => {
  const { kept, begin, tracer } = tracing(0);
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00';
  const arrivals = begin(arrived('ev1'), arrived('ev2', { traceparent }), arrived('ev3'));
  const range = { ledger: { group: 'payments', ...place }, firstOffset: 7n, nextOffset: 10n, arrivals };
  const dispositions = ['parked', 'parked', 'applied'] as const;
  const decisions = dispositions.map((disposition, index) => decided(arrivals[index] ?? arrivals[0], disposition));
  beginTransaction(tracer, 'payments', [range])?.applied(decisions);
  expect(kept.map(({ links }) => links.map(traceparentOf))).toEqual([
    [traceparentOf(deliveryContext('ev1', TEST_NOW)), traceparent],
  ]);
});

test('where traces are off nothing is made of it', () => {
  const [arrival] = withSpans(undefined, [arrived('ev1')]);
  expect([arrival?.span, arrival === undefined ? '' : contextOf(arrival)]).toEqual([undefined, null]);
});
