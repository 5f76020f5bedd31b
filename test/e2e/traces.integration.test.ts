import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deliveryContext } from '#platform/trace';
import { instant } from '#rules';
import { buildEvent } from '#simulator';
import { eventually } from '#kit';
import { startOtlpReceiver } from '../kit/otlp-receiver.ts';
import type { OtlpReceiver, ReceivedSpan } from '../kit/otlp-receiver.ts';
import { startSystem, testsOf } from '../kit/system.ts';
import type { System } from '../kit/system.ts';

const RULES = `destinations:
  log: {type: log}
rules:
  - {name: captured, when: payment.captured, to: [log], title: captured, text: captured}
`;

let collector: OtlpReceiver;
let system: System;
let folder: string;
const it = testsOf(() => system);
const captured = (id: string) =>
  buildEvent('payment.captured', { eventId: id, at: instant(Date.now()), subject: { id: `pay_${id}` } });

const startTraced = async (settings: Readonly<Record<string, string>>): Promise<void> => {
  folder = mkdtempSync(join(tmpdir(), 'dakia-traces-'));
  const file = join(folder, 'rules.yaml');
  writeFileSync(file, RULES);
  system = await startSystem({
    settings: {
      DAKIA_NOTIFICATIONS_FILE: file,
      DAKIA_RETRY_DELAYS: Array.from({ length: 20 }, () => '300ms').join(','),
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-key=a%20key',
      ...settings,
    },
  });
};
afterEach(async () => {
  await system.close();
  await collector.close();
  rmSync(folder, { recursive: true });
}, 30_000);

/** The spans of the trace that has this one of an event, as `service name` below each other. */
const traceOf = (spans: readonly ReceivedSpan[], traceId: string): readonly string[] => {
  const own = spans.filter((span) => span.traceId === traceId);
  const ids = new Set(own.map(({ spanId }) => spanId));
  const below = (parent: ReceivedSpan | undefined, depth: number): readonly string[] =>
    own
      .filter((span) => (parent === undefined ? !ids.has(span.parent) : span.parent === parent.spanId))
      .toSorted((a, b) => Number(a.start - b.start))
      .flatMap((span) => [
        `${'  '.repeat(depth)}${span.service} ${span.kind} ` +
          `${span.name}${span.error === undefined ? '' : ` !${span.error}`}`,
        ...below(span, depth + 1),
      ]);
  return below(undefined, 0);
};

const WHOLE = [
  'dakia-ingest server POST /webhooks/razorpay',
  '  dakia-ingest producer send rzp.payments.v1',
  '    dakia-payments consumer process rzp.payments.v1',
  '      dakia-notifier producer send notify-log',
  '        dakia-notifier consumer process notify-log',
];

it('one trace from the delivery through Kafka to the transaction and the notification', async () => {
  collector = await startOtlpReceiver();
  await startTraced({ DAKIA_TRACE_RATIO: '1' });
  const event = captured('traceWhole0001');
  expect(await system.deliver(event)).toBe(200);
  const delivered = await collector.until('the delivery of the notification', (spans) =>
    spans.find(({ name }) => name === 'process notify-log'),
  );
  const { traceId } = delivered;
  await collector.until('the whole trace', (spans) => traceOf(spans, traceId).length === WHOLE.length);
  expect(traceOf(collector.spans, traceId)).toEqual(WHOLE);

  const byName = (name: string): ReceivedSpan => {
    const span = collector.spans.find((one) => one.traceId === traceId && one.name === name);
    if (span === undefined) throw new Error(`no span ${name}`);
    return span;
  };
  const [server, send, process] = [WHOLE[0], WHOLE[1], WHOLE[2]].map((line = '') =>
    byName(line.trim().split(' ').slice(2).join(' ')),
  );
  expect(server?.attributes).toMatchObject({
    'http.request.method': 'POST',
    'http.route': '/webhooks/razorpay',
    'http.response.status_code': 200,
    'dakia.reason': 'durable',
    'dakia.event.id': event.eventId,
    'dakia.event.name': 'payment.captured',
    'dakia.family': 'payments',
    'dakia.entity.key': 'pay_traceWhole0001',
  });
  expect(send?.attributes).toMatchObject({
    'messaging.system': 'kafka',
    'messaging.operation.type': 'send',
    'messaging.destination.name': 'rzp.payments.v1',
    'messaging.kafka.message.key': 'pay_traceWhole0001',
  });
  expect(process?.attributes).toMatchObject({
    'messaging.operation.type': 'process',
    'messaging.destination.partition.id': expect.stringMatching(/^\d+$/) as unknown,
    'messaging.kafka.offset': 0,
    'dakia.disposition': 'applied',
  });
  expect(delivered.attributes).toMatchObject({
    'messaging.system': 'bullmq',
    'dakia.event.id': event.eventId,
    'dakia.destination': 'log',
    'dakia.outcome': 'delivered',
    'dakia.attempt': 1,
  });

  // The transaction is of no delivery's trace: it and the events that it applied point at each other.
  const commit = await collector.until('the transaction', (spans) =>
    spans.find(({ name }) => name === 'commit payments'),
  );
  expect(commit.parent).toBe('');
  expect(commit.links).toEqual([{ traceId, spanId: send?.spanId }]);
  expect(commit.attributes).toMatchObject({
    'messaging.batch.message_count': 1,
    'messaging.consumer.group.name': 'payments',
    'db.system.name': 'postgresql',
  });
  expect(process?.links).toEqual([{ traceId: commit.traceId, spanId: commit.spanId }]);

  const own = collector.spans.filter((span) => span.traceId === traceId);
  for (const { name, start, end, parent } of own) {
    expect([name, end >= start]).toEqual([name, true]);
    const above = own.find(({ spanId }) => spanId === parent);
    if (above !== undefined) expect([name, start >= above.start]).toEqual([name, true]);
  }
  const scraped = await system.metrics({ accept: 'application/openmetrics-text; version=1.0.0' });
  for (const name of ['dakia_ingest_answer_seconds', 'dakia_event_applied_seconds', 'dakia_notification_seconds'])
    expect(scraped).toMatch(new RegExp(`^${name}_bucket.* # \\{trace_id="${traceId}"\\}`, 'm'));
  expect(await system.metrics()).not.toContain('trace_id');
  expect(collector.headers[0]?.['x-key']).toBe('a key');
  await eventually('the log line of the notification', () =>
    system.log
      .lines()
      .some(
        ({ msg, traceId: logged, eventId }) =>
          msg === 'a notification was sent' && logged === traceId && eventId === event.eventId,
      ),
  );
});

it('a delivery that comes with a trace goes on with it, whatever the ratio; one with a broken one begins its own', async () => {
  collector = await startOtlpReceiver();
  await startTraced({ DAKIA_TRACE_RATIO: '0' });
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const headersOf = (traceparent: string) => ({ headers: { traceparent } });
  const gone = headersOf(`00-${traceId.replaceAll('4', '5')}-00f067aa0ba902b7-00`);
  expect(await system.deliver(captured('traceNot000001'), gone)).toBe(200);
  expect(await system.deliver(captured('traceNot000002'), headersOf(`00-${'0'.repeat(32)}-00f067aa0ba902b7-01`))).toBe(
    200,
  );
  expect(
    await system.deliver(captured('traceForged001'), {
      ...headersOf(`00-${traceId}-00f067aa0ba902b7-01`),
      secret: 'another',
    }),
  ).toBe(401);
  expect(await system.deliver(captured('traceGiven0001'), headersOf(`00-${traceId}-00f067aa0ba902b7-01`))).toBe(200);
  await collector.until('the whole trace', (spans) => traceOf(spans, traceId).length === WHOLE.length);
  expect(traceOf(collector.spans, traceId)).toEqual(WHOLE);
  expect(collector.spans.find(({ kind }) => kind === 'server')?.parent).toBe('00f067aa0ba902b7');
  await system.drained();
  await system.stop();
  expect(new Set(collector.spans.filter(({ name }) => !name.startsWith('commit')).map((span) => span.traceId))).toEqual(
    new Set([traceId]),
  );
});

it('with a ratio of 0 an event that is parked is kept, and all that becomes of it', async () => {
  collector = await startOtlpReceiver();
  await startTraced({ DAKIA_TRACE_RATIO: '0' });
  await system.rows(
    `ALTER TABLE payment_transactions ADD CONSTRAINT poison CHECK (payment_id <> 'pay_traceParked001')`,
  );
  expect(await system.deliver(captured('traceGood00001'))).toBe(200);
  expect(await system.deliver(captured('traceParked001'))).toBe(200);
  const parked = await collector.until('the parked event', (spans) => spans.find(({ error }) => error === 'parked'));
  expect(parked).toMatchObject({ name: 'process rzp.payments.v1', attributes: { 'dakia.event.id': 'traceParked001' } });
  await system.rows('ALTER TABLE payment_transactions DROP CONSTRAINT poison');
  const { traceId } = parked;
  // Its records carried nothing: the ids are those that its delivery has wherever somebody needs them.
  const [row] = await system.rows<{ readonly at: number; readonly traceparent: string }>(
    `SELECT (date_part('epoch', received_at) * 1000)::float8 AS at, traceparent
       FROM webhook_events WHERE razorpay_event_id = 'traceParked001'`,
  );
  const sent = deliveryContext('traceParked001', Math.round(row?.at ?? 0));
  expect([traceId, parked.parent]).toEqual([sent.traceId, sent.spanId]);
  expect(row?.traceparent).toBe(`00-${traceId}-${parked.spanId}-01`);
  await collector.until('the notification', (spans) =>
    spans.some((span) => span.traceId === traceId && span.name === 'process notify-log'),
  );
  await system.stop();
  const steps = traceOf(collector.spans, traceId);
  expect(steps[0]).toBe('dakia-payments consumer process rzp.payments.v1 !parked');
  expect(steps).toContain('  dakia-payments consumer process retry-payments');
  expect(steps.slice(-3)).toEqual([
    '  dakia-payments consumer process rzp.payments.v1',
    '    dakia-notifier producer send notify-log',
    '      dakia-notifier consumer process notify-log',
  ]);
  expect(collector.spans.filter(({ attributes }) => attributes['dakia.event.id'] === 'traceGood00001')).toEqual([]);
});

const withoutCollector = async (open: () => Promise<OtlpReceiver>): Promise<void> => {
  collector = await open();
  await startTraced({ DAKIA_TRACE_RATIO: '1' });
  await system.simulate({ count: 60 });
  expect(await system.drained()).toMatchObject({ ok: true, difference: 0 });
  const said = await eventually('it is said', () =>
    system.log.lines().find(({ code }) => code === 'DAKIA_TRACE_NOT_SENT'),
  );
  expect(said).toMatchObject({ level: 'warn' });
  const startedAt = performance.now();
  await system.stop();
  // Every service drains in far less than this; the collector gets 2 s of it.
  expect(performance.now() - startedAt).toBeLessThan(10_000);
};

it('a collector that never answers slows and stops nothing', () =>
  withoutCollector(() => startOtlpReceiver(() => undefined)));

it('nor does one that is away', () =>
  withoutCollector(async () => {
    const gone = await startOtlpReceiver();
    await gone.close();
    return gone;
  }));
