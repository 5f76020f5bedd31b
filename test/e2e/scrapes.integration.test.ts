/** What a sender, or somebody at the ops port, can do to the metrics: nothing that the main job would feel. */
import net from 'node:net';
import { eventually } from '#kit';
import { buildEvent } from '#simulator';
import { samplesIn, surprisesIn } from '../kit/metric-samples.ts';
import { thisSecond } from '../kit/system-fixture.ts';
import { startSystem, testsOf } from '../kit/system.ts';
import type { System } from '../kit/system.ts';

let system: System;
const it = testsOf(() => system);
beforeAll(async () => void (system = await startSystem()), 30_000);
afterAll(() => system.close(), 60_000);

/** Would end a label and begin a metric of its own, if it got into a scrape as it is. */
const HOSTILE = 'hostile"} 1\ndakia_hostile_total{a="\\';
const MORE = 60;
const LONG = 2_000;
const hostileTexts: readonly string[] = [
  HOSTILE,
  `hostile${'x'.repeat(LONG)}`,
  'hostile\u0000\u202e',
  'hostile{}',
  '__proto__',
];

/** Everywhere that a sender has a say: path, method, headers, the name of the event, its subject and its status. */
const sendHostile = async (text: string): Promise<void> => {
  const body = (event: string, id: string): string =>
    JSON.stringify({
      entity: 'event',
      event,
      payload: { payment: { entity: { id, amount: 1, currency: text, status: text, method: text } } },
      created_at: Math.floor(Date.now() / 1000),
    });
  const { status } = await system.post({
    body: body(text, 'pay_1'),
    eventId: `ev_${encodeURIComponent(text)}`.slice(0, 64),
  });
  expect(status).toBe(200);
  await system.post({ body: body('payment.captured', text) });
  await system.post({ body: body('payment.captured', 'pay_2'), endpoint: encodeURIComponent(text) });
  const headers = { traceparent: encodeURIComponent(text), tracestate: encodeURIComponent(text) };
  await system.post({ body: body('payment.captured', 'pay_3'), headers, secret: text });
  const origin = `http://127.0.0.1:${system.environment['DAKIA_WEBHOOK_PORT'] ?? ''}`;
  await fetch(`${origin}/${encodeURIComponent(text)}`, { method: 'PROPFIND' });
};

/** A line of the exposition format: a comment, or one sample with one value. */
const LINE = /^(# (HELP|TYPE) \w+ .*|\w+(\{(\w+="([^"\\\n]|\\["\\n])*",?)*\})? \S+)$/;
const seriesIn = (text: string): ReadonlySet<string> =>
  new Set(samplesIn(text).map(({ name, labels }) => `${name} ${JSON.stringify(labels)}`));
/**
 * A few of what moves by itself, such as work of the garbage collector that has not been needed before; never one for
 * each text. Series of a partition come with the first look at it, and there are as many as Kafka has.
 */
const NEW_SERIES_MAX = 20;
const LOOKED_WITHIN_MS = 40_000;

it('hostile values from outside are nowhere in a scrape, and make no further series', async () => {
  for (const text of hostileTexts) await sendHostile(text);
  expect(await system.deliver(buildEvent('payment.captured', { seed: 'before', at: thisSecond() }))).toBe(200);
  await system.drained();
  const before = await eventually(
    'the reporter has looked',
    async () => {
      const text = await system.metrics();
      return /^dakia_reporter_looks_total\{result="done"\} [2-9]/m.test(text) && text;
    },
    LOOKED_WITHIN_MS,
  );
  expect(before.split('\n').filter((line) => line !== '' && !LINE.test(line))).toEqual([]);
  expect(before).not.toContain('hostile');
  expect(before).not.toContain('__proto__');
  expect(samplesIn(before).flatMap(surprisesIn)).toEqual([]);

  for (let count = 0; count < MORE; count += 1) await sendHostile(`hostile.${count}`);
  expect(await system.deliver(buildEvent('payment.captured', { seed: 'genuine', at: thisSecond() }))).toBe(200);
  expect(await system.drained()).toMatchObject({ ok: true, difference: 0 });
  const known = seriesIn(before);
  const after = await system.metrics();
  const fresh = [...seriesIn(after)].filter((series) => !known.has(series) && !series.startsWith('dakia_partition_'));
  expect(fresh.slice(NEW_SERIES_MAX)).toEqual([]);
  expect(samplesIn(after).flatMap(surprisesIn)).toEqual([]);
  expect(after).not.toContain('hostile');
}, 90_000);

const SCRAPERS = 4;
const LANES = 4;
const ACKNOWLEDGED_MIN = 20;
const STOPPED_WITHIN_MS = 15_000;

/** A scraper that has said half of its request, and says no more. */
const halfRequest = async (): Promise<net.Socket> => {
  const socket = net.connect(system.opsPort(), '127.0.0.1');
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  await new Promise<void>((resolve) => socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\n', () => resolve()));
  return socket;
};

it('scrapes while the services stop are whole or refused, keep nobody from stopping, and lose nothing', async () => {
  const acknowledged = new Set<string>();
  const torn: string[] = [];
  let isOver = false;
  let sequence = 0;
  const lane = async (): Promise<void> => {
    while (!isOver) {
      const event = buildEvent('payment.captured', { seed: `lane ${(sequence += 1)}`, at: thisSecond() });
      if ((await system.deliver(event).catch(() => 0)) === 200) acknowledged.add(event.eventId);
    }
  };
  const scraper = async (): Promise<void> => {
    while (!isOver) {
      const answer = await fetch(`http://127.0.0.1:${system.opsPort()}/metrics`).catch(() => undefined);
      const text = await answer?.text().catch((error: unknown) => `torn: ${String(error)}`);
      if (answer?.status === 200 && !(text ?? '').includes('process_start_time_seconds '))
        torn.push(String(text).slice(-200));
    }
  };
  const half = await halfRequest();
  const running = [...Array.from({ length: LANES }, lane), ...Array.from({ length: SCRAPERS }, scraper)];
  try {
    await eventually('deliveries are taken', () => acknowledged.size > ACKNOWLEDGED_MIN);
    const began = performance.now();
    await system.stop();
    expect(performance.now() - began).toBeLessThan(STOPPED_WITHIN_MS);
  } finally {
    isOver = true;
    half.destroy();
    await Promise.all(running);
  }
  expect(torn).toEqual([]);

  await system.start();
  expect(await system.drained()).toMatchObject({ ok: true, difference: 0 });
  const rows = await system.rows<{ id: string }>('SELECT razorpay_event_id AS id FROM webhook_events');
  const kept = new Set(rows.map(({ id }) => id));
  expect([...acknowledged].filter((id) => !kept.has(id))).toEqual([]);
});
