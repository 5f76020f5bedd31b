import { decodeEnvelope } from '#envelope';
import type { PublishOutcome, Reluctance } from '#kafka';
import { deliveryContext, readTraceparent } from '../../libs/platform/trace/context.ts';
import { createTracer } from '../../libs/platform/trace/tracer.ts';
import type { KeptSpan } from '../../libs/platform/trace/tracer.ts';
import { openTestApp } from '../../test/kit/ingest/app.ts';
import type { TestApp } from '../../test/kit/ingest/app.ts';
import { captured, post } from '../../test/kit/ingest/deliveries.ts';

let open: TestApp | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});

const start = async (ratio: number, outcome: PublishOutcome = 'durable', reluctance?: () => Reluctance) => {
  const kept: KeptSpan[] = [];
  const tracer = createTracer(ratio, (span) => void kept.push(span));
  const app = await openTestApp(async () => outcome, reluctance, undefined, undefined, tracer);
  open = app;
  return { app, kept, names: () => kept.map(({ name, error }) => [name, error]) };
};
const FOREIGN = '4bf92f3577b34da6a3ce929d0e0e4736';
const headers = { traceparent: `00-${FOREIGN}-00f067aa0ba902b7-01` };

/** What records carry, as header and as field, and the context that a reader makes where it is nothing. */
const carriedBy = ({ published }: TestApp) =>
  published.map(([, { value, headers: sent }]) => {
    const read = decodeEnvelope(value, sent);
    if (!read.ok) throw new Error(read.issues.join('; '));
    const { eventId, receivedAt, traceparent } = read.value;
    return { header: sent['traceparent'], field: traceparent, derived: deliveryContext(eventId, receivedAt) };
  });

test('with a ratio of 0 a durable delivery leaves no span, and its records carry nothing', async () => {
  const { app, names } = await start(0);
  expect(await post(app.port, { body: captured('pay_1') })).toMatchObject({ status: 200 });
  expect(names()).toEqual([]);
  expect(carriedBy(app)).toMatchObject([{ header: undefined, field: null }]);
});

test('but one that Kafka did not confirm is kept, in the trace that who reads its record finds', async () => {
  const { app, kept, names } = await start(0, 'unknown');
  expect(await post(app.port, { body: captured('pay_1') })).toMatchObject({ status: 503 });
  expect(names()).toEqual([
    ['send rzp.payments.v1', 'unknown'],
    ['POST /webhooks/razorpay', 'not-durable'],
  ]);
  const [send, delivery] = kept;
  expect(send?.context).toEqual(carriedBy(app)[0]?.derived);
  expect(send?.parent).toEqual(delivery?.context);
  expect(delivery?.attributes).toMatchObject({ 'http.response.status_code': 503, 'dakia.entity.key': 'pay_1' });
  app.app.flushLog();
  const logged = app.logged.map((line) => JSON.parse(line) as { readonly traceId?: string });
  expect(new Set(logged.map(({ traceId }) => traceId))).toEqual(new Set([send?.context.traceId]));
});

test('with a ratio of 1 every record of a delivery carries its context, under the ids that it would have anyway', async () => {
  const { app, kept, names } = await start(1);
  const payload = { payment: { entity: { id: 'pay_1' } }, order: { entity: { id: 'order_1' } } };
  const body = JSON.stringify({ entity: 'event', event: 'order.paid', payload, created_at: 1_787_839_419 });
  expect(await post(app.port, { body })).toMatchObject({ status: 200 });
  expect(names()).toEqual([
    ['send rzp.orders.v1', undefined],
    ['POST /webhooks/razorpay', undefined],
  ]);
  const carried = carriedBy(app);
  expect(carried).toHaveLength(2);
  for (const { header, field, derived } of carried) {
    expect([field, readTraceparent(header)]).toEqual([header, { ...derived, isSampled: true }]);
    expect(kept[0]?.context).toEqual(readTraceparent(header));
  }
});

test('one that was not taken in is kept, too', async () => {
  const { app, kept, names } = await start(0, 'durable', () => 'kafka-down');
  expect(await post(app.port, { body: captured('pay_1') })).toMatchObject({ status: 503 });
  expect(names()).toEqual([['POST /webhooks/razorpay', 'kafka-down']]);
  app.app.flushLog();
  expect(app.logged.join('')).toContain(`"traceId":"${kept[0]?.context.traceId ?? 'none'}"`);
});

test('what is refused is no error of ours, and has no say in what is traced', async () => {
  const without = await start(0);
  const forged = { body: captured('pay_1'), signature: '0'.repeat(64), headers };
  expect(await post(without.app.port, forged)).toMatchObject({ status: 401 });
  expect(without.names()).toEqual([]);
  await without.app.close();

  const all = await start(1);
  expect(await post(all.app.port, forged)).toMatchObject({ status: 401 });
  expect(all.names()).toEqual([['POST /webhooks/razorpay', undefined]]);
  expect(all.kept[0]?.context.traceId).not.toBe(FOREIGN);
  expect(all.kept[0]?.parent).toBeUndefined();
});

test('an authentic delivery that comes with a trace goes on with it', async () => {
  const { app, kept } = await start(0);
  expect(await post(app.port, { body: captured('pay_1'), headers })).toMatchObject({ status: 200 });
  expect(kept.map(({ context }) => context.traceId)).toEqual([FOREIGN, FOREIGN]);
  expect(kept[1]?.parent).toEqual(readTraceparent(headers.traceparent));
  expect(carriedBy(app)).toMatchObject([{ header: `00-${FOREIGN}-${kept[0]?.context.spanId}-01` }]);
});

test('also with one that is not kept, which nobody could make again; one with a broken trace has its own', async () => {
  const { app, names } = await start(1);
  const unkept = { traceparent: headers.traceparent.replace(/01$/, '00') };
  const broken = { traceparent: headers.traceparent.replace(FOREIGN, '0'.repeat(32)) };
  expect(await post(app.port, { body: captured('pay_1'), headers: unkept })).toMatchObject({ status: 200 });
  expect(names()).toEqual([]);
  expect(await post(app.port, { body: captured('pay_2'), headers: broken })).toMatchObject({ status: 200 });
  const [first, second] = carriedBy(app);
  expect(first?.header).toMatch(new RegExp(`^00-${FOREIGN}-[0-9a-f]{16}-00$`));
  expect(first?.field).toBe(first?.header);
  expect(readTraceparent(second?.header)).toEqual({ ...second?.derived, isSampled: true });
});
