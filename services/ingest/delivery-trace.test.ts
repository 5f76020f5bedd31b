import type { PublishOutcome, Reluctance } from '#platform/kafka';
import { readTraceparent } from '../../libs/platform/trace/context.ts';
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

test('with a ratio of 0 a durable delivery leaves no span, but its record the trace that may become one', async () => {
  const { app, names } = await start(0);
  expect(await post(app.port, { body: captured('pay_1') })).toMatchObject({ status: 200 });
  expect(names()).toEqual([]);
  expect(app.published[0]?.[1].headers['traceparent']).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
});

test('and one that Kafka did not confirm is kept, under the ids that its record has', async () => {
  const { app, kept, names } = await start(0, 'unknown');
  expect(await post(app.port, { body: captured('pay_1') })).toMatchObject({ status: 503 });
  expect(names()).toEqual([
    ['send rzp.payments.v1', 'unknown'],
    ['POST /webhooks/razorpay', 'not-durable'],
  ]);
  const [send, delivery] = kept;
  expect(send?.context).toEqual(readTraceparent(app.published[0]?.[1].headers['traceparent']));
  expect(send?.parent).toEqual(delivery?.context);
  expect(delivery?.attributes).toMatchObject({ 'http.response.status_code': 503, 'dakia.entity.key': 'pay_1' });
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
});
