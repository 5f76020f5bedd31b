import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { instant } from '#rules';
import { simulation } from '../simulation.ts';
import { storyNames } from '../stories/index.ts';
import type { StoryName } from '../stories/index.ts';
import { sign } from '../wire.ts';
import { plan } from './plan.ts';
import { send } from './send.ts';

const SECRET = 'receiver secret';
const { events } = simulation({
  seed: 'send',
  count: 120,
  stories: storyNames as [StoryName, ...StoryName[]],
  at: instant(1_790_000_000_000),
});
const deliveries = plan(events, { seed: 'send', duplicates: 0.25, shuffle: true, tamper: 0.1 });

interface Received {
  readonly eventId: string;
  readonly isAuthentic: boolean;
  readonly body: string;
}

/** A receiver that keeps what it was sent and answers what `answer` says. */
const withReceiver = async <Result>(
  answer: (received: Received, response: ServerResponse, earlier: readonly Received[]) => void,
  work: (url: URL, received: readonly Received[]) => Promise<Result>,
): Promise<Result> => {
  const received: Received[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const one = {
        eventId: String(request.headers['x-razorpay-event-id']),
        isAuthentic: request.headers['x-razorpay-signature'] === sign(SECRET, body),
        body: body.toString(),
      };
      answer(one, response, received);
      received.push(one);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await work(
      new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/razorpay`),
      received,
    );
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
};

const reply = (response: ServerResponse, status: number): void => void response.writeHead(status).end();
const correct = ({ isAuthentic }: Received, response: ServerResponse): void => reply(response, isAuthentic ? 200 : 401);
const options = { secret: SECRET, concurrency: 8, rate: 0 };

test('a correct receiver gets every event, repeats with the same bytes, forgeries that do not verify', async () => {
  const report = await withReceiver(correct, async (url, received) => {
    const result = await send(deliveries, { ...options, url });
    const authentic = received.filter(({ isAuthentic }) => isAuthentic);
    expect(new Set(authentic.map(({ eventId }) => eventId))).toEqual(new Set(events.map(({ eventId }) => eventId)));
    expect(new Set(authentic.map(({ eventId, body }) => `${eventId} ${body}`)).size).toBe(events.length);
    return result;
  });
  expect(report).toMatchObject({
    sent: 162,
    deliveries: { genuine: 120, again: 30, tampered: 12 },
    answers: { 200: 150, 401: 12 },
    retried: 0,
    unexpected: 0,
    surprises: [],
  });
  expect(report.p50Ms).toBeGreaterThan(0);
  expect(report.p99Ms).toBeGreaterThanOrEqual(report.p50Ms ?? Infinity);
});

test('a receiver that accepts forgeries, or refuses what is genuine, is found out', async () => {
  const acceptsAll = await withReceiver(
    (_, response) => reply(response, 200),
    (url) => send(deliveries, { ...options, url }),
  );
  expect(acceptsAll).toMatchObject({ unexpected: 12, answers: { 200: 162 } });
  expect(acceptsAll.surprises[0]).toMatchObject({ kind: 'tampered', expected: '401', found: '200' });
  const refusesAll = await withReceiver(
    (_, response) => reply(response, 401),
    (url) => send(deliveries, { ...options, url }),
  );
  expect(refusesAll).toMatchObject({ unexpected: 150, answers: { 401: 162 } });
  expect(refusesAll.surprises).toHaveLength(10);
});

test('what was not accepted is delivered again with the same bytes, until it is', async () => {
  const twiceBusy = (one: Received, response: ServerResponse, earlier: readonly Received[]): void => {
    const before = earlier.filter(({ eventId, isAuthentic }) => isAuthentic && eventId === one.eventId).length;
    if (one.isAuthentic && before < 2) reply(response, 503);
    else correct(one, response);
  };
  const once = plan(events, { seed: 'send', duplicates: 0, shuffle: false, tamper: 0 });
  const report = await withReceiver(twiceBusy, (url) => send(once, { ...options, url, compression: 20_000 }));
  expect(report).toMatchObject({ sent: 360, retried: 240, unexpected: 0, answers: { 503: 240, 200: 120 } });
});

test('retries end with the ladder', async () => {
  const [one] = plan(events, { seed: 'send', duplicates: 0, shuffle: false, tamper: 0 });
  const report = await withReceiver(
    (_, response) => reply(response, 400),
    (url) => send([one as NonNullable<typeof one>], { ...options, url, compression: 400_000 }),
  );
  expect(report).toMatchObject({ sent: 15, retried: 14, unexpected: 1, answers: { 400: 15 } });
});

test('a receiver that is not there, and one that hangs up, count as no answer', async () => {
  const few = deliveries.slice(0, 5);
  const gone = await withReceiver(correct, (url) => Promise.resolve(url));
  expect(await send(few, { ...options, url: gone })).toMatchObject({
    answers: { 'no answer': 5 },
    unexpected: 5,
    p50Ms: null,
  });
  const hangsUp = await withReceiver(
    (_, response) => void response.destroy(),
    (url) => send(few, { ...options, url }),
  );
  expect(hangsUp).toMatchObject({ answers: { 'no answer': 5 }, unexpected: 5 });
});

test('no more requests are in flight than asked for, and no more are sent per second', async () => {
  let [open, most] = [0, 0];
  const slow = (one: Received, response: ServerResponse): void => {
    most = Math.max(most, ++open);
    setTimeout(() => {
      open--;
      correct(one, response);
    }, 5);
  };
  await withReceiver(slow, (url) => send(deliveries, { ...options, url, concurrency: 3 }));
  expect(most).toBe(3);
  // Retries come due while first deliveries are still being made: they share the same bound.
  most = 0;
  const refuses = (_: Received, response: ServerResponse): void =>
    slow({ eventId: '', isAuthentic: false, body: '' }, response);
  await withReceiver(refuses, (url) =>
    send(deliveries.slice(0, 20), { ...options, url, concurrency: 3, compression: 1_000_000 }),
  );
  expect(most).toBe(3);
  const paced = await withReceiver(correct, (url) => send(deliveries.slice(0, 41), { ...options, url, rate: 100 }));
  expect(paced.seconds).toBeGreaterThanOrEqual(0.4);
});
