import { QUARANTINE_TOPIC } from '#catalogue';
import { decodeEnvelope } from '#envelope';
import { eventually } from '#kit/eventually';
import type { PublishOutcome } from '#kafka';
import { openTestApp } from '../../test/kit/ingest/app.ts';
import type { TestApp } from '../../test/kit/ingest/app.ts';
import { captured, post, SECRET, sign, WEBHOOK_PATH } from '../../test/kit/ingest/deliveries.ts';
import { connect } from '../../test/kit/ingest/raw-http.ts';

let open: TestApp | undefined;
const start = async (...options: Parameters<typeof openTestApp>): Promise<TestApp> =>
  (open = await openTestApp(...options));
afterEach(async () => {
  await open?.close();
  open = undefined;
});

const deliveries = (labels: string): string => `dakia_ingest_deliveries_total{${labels}}`;

test('durable: 200, published to the topic of its family under the entity id', async () => {
  const { port, published, metric } = await start();
  const body = captured('pay_1');
  expect(await post(port, { body, eventId: 'TUoumpUn1znA6u' })).toMatchObject({ status: 200, reason: 'durable' });
  const [topic, record] = published[0] ?? [];
  expect([topic, record?.key]).toEqual(['rzp.payments.v1', 'pay_1']);
  const decoded = decodeEnvelope(record?.value ?? Buffer.alloc(0), record?.headers);
  expect(decoded).toMatchObject({
    ok: true,
    value: {
      kind: 'event',
      event: 'payment.captured',
      eventId: 'TUoumpUn1znA6u',
      endpoint: 'default',
      rawBody: Buffer.from(body),
    },
  });
  expect(await metric(deliveries('endpoint="default",outcome="accepted",reason="durable"'))).toBe(1);
  expect(await metric('dakia_ingest_events_total{event="payment.captured"}')).toBe(1);
});

test('authentic and not understood: 200, quarantined with the reason', async () => {
  const { port, published, metric } = await start();
  const bodies = [
    'no JSON',
    '[]',
    '{"event":"payment.unheard"}',
    '{"event":"payment.captured"}',
    '{"event":"payment.captured","payload":{"payment":{"entity":{"id":""}}}}',
    '',
  ];
  for (const body of bodies) expect(await post(port, { body })).toMatchObject({ status: 200, reason: 'quarantined' });
  expect(published.map(([topic]) => topic)).toEqual(bodies.map(() => QUARANTINE_TOPIC));
  const reasons = published.map(([, { value, headers }]) => {
    const decoded = decodeEnvelope(value, headers);
    return decoded.ok && decoded.value.kind === 'quarantine' ? decoded.value.reason : decoded;
  });
  expect(reasons).toEqual(['not-json', 'odd-shape', 'unknown-event', 'no-subject', 'no-entity-id', 'not-json']);
  expect(await metric('dakia_ingest_quarantined_total{reason="not-json"}')).toBe(2);
});

/** BP-37: a body whose re-serialisation differs, and the ways in which a signature can be wrong. */
describe.each([
  [
    'a known event',
    '{"event":"payment.captured","payload":{"payment":{"entity":{"id":"pay_1","short_url":"https:\\/\\/rzp.io\\/i\\/x","symbol":"\\u20b9","rate":1.10}}}}',
  ],
  ['an unknown event', '{"event":"payment.unheard","url":"https:\\/\\/rzp.io","rate":1.10}'],
])('signatures of %s', (_, body) => {
  const good = sign(body);
  const flipped = (good.startsWith('a') ? 'b' : 'a') + good.slice(1);

  test.each([
    ['missing', null, body, 'signature-missing'],
    ['empty', '', body, 'signature-missing'],
    ['one digit changed', flipped, body, 'signature-mismatch'],
    ['in uppercase', good.toUpperCase().replace(/^\d+$/, 'A'), body, 'signature-malformed'],
    ['not hex', 'not-a-signature', body, 'signature-malformed'],
    ['one byte of the body changed', good, body.replace('event', 'evemt'), 'signature-mismatch'],
    ['a newline added', good, `${body}\n`, 'signature-mismatch'],
    ['written again as JSON', good, JSON.stringify(JSON.parse(body)), 'signature-mismatch'],
    ['signed with another secret', sign(body, 'the-api-key-secret'), body, 'signature-mismatch'],
  ])('%s: 401, nothing stored, nothing counted but the refusal', async (_name, signature, sent, reason) => {
    const { port, published, metric } = await start();
    expect(await post(port, { body: sent, signature })).toMatchObject({ status: 401, reason });
    expect(published).toEqual([]);
    expect(await metric(deliveries(`endpoint="default",outcome="refused",reason="${reason}"`))).toBe(1);
    expect(await metric('dakia_ingest_signatures_total{endpoint="default",position="1"}')).toBe(0);
    expect(await metric('dakia_ingest_events_total{event="payment.captured"}')).toBe(0);
  });

  test('right, with the current or the previous secret, each counted by its position', async () => {
    const { port, published, metric } = await start(undefined, undefined, { default: ['the-new-secret', SECRET] });
    for (const secret of ['the-new-secret', SECRET, SECRET])
      expect((await post(port, { body, signature: sign(body, secret) })).status).toBe(200);
    expect(published.map(([, { headers }]) => headers['secret-position'])).toEqual(['1', '2', '2']);
    expect(await metric('dakia_ingest_signatures_total{endpoint="default",position="1"}')).toBe(1);
    expect(await metric('dakia_ingest_signatures_total{endpoint="default",position="2"}')).toBe(2);
  });
});

test.each([
  ['/webhooks/razorpay/', 200],
  ['//webhooks/razorpay', 200],
  ['//webhooks//razorpay/?from=a', 200],
  ['/webhooks/razorpay/shop/', 200],
  ['//webhooks/razorpay/shop', 200],
  ['/webhooks/razorpay/other', 404],
  ['/webhooks/razorpayx', 404],
  ['/webhooks', 404],
] as const)(
  'a slash at the end, or two where one belongs, reach the endpoint all the same: %s',
  async (path, status) => {
    const { port, published } = await start(undefined, undefined, { default: [SECRET], shop: [SECRET] });
    expect(await post(port, { body: captured('pay_1'), path })).toMatchObject({ status });
    expect(published).toHaveLength(status === 200 ? 1 : 0);
  },
);

test('a header that comes twice with the same value is one; with two values it is none', async () => {
  const { port, published } = await start();
  const body = captured('pay_1');
  const send = async (signatures: readonly string[], ids: readonly string[]) => {
    const connection = await connect(port);
    const lines = [
      ...signatures.map((value) => `X-Razorpay-Signature: ${value}`),
      ...ids.map((value) => `X-Razorpay-Event-Id: ${value}`),
      `Content-Length: ${body.length}`,
    ];
    connection.write(`POST ${WEBHOOK_PATH} HTTP/1.1\r\nHost: test\r\n${lines.join('\r\n')}\r\n\r\n${body}`);
    const { status } = await connection.next();
    connection.destroy();
    return status;
  };
  const good = sign(body);
  expect(await send([good, good], ['TUoumpUn1znA6u', 'TUoumpUn1znA6u'])).toBe(200);
  const [, record] = published[0] ?? [];
  expect(decodeEnvelope(record?.value ?? Buffer.alloc(0), record?.headers)).toMatchObject({
    value: { eventId: 'TUoumpUn1znA6u' },
  });
  expect(await send([good, sign(body, 'another')], [])).toBe(401);
  expect(await send([`${good}, ${good.toUpperCase()}`], [])).toBe(401);
});

test('the same delivery again: 200, published again', async () => {
  const { port, published } = await start();
  const delivery = { body: captured('pay_1'), eventId: 'TUoumpUn1znA6u' };
  expect([(await post(port, delivery)).status, (await post(port, delivery)).status]).toEqual([200, 200]);
  expect(published).toHaveLength(2);
  expect(published[0]?.[1].headers).toEqual(published[1]?.[1].headers);
});

test('every endpoint has its own secrets and address', async () => {
  const { port, published } = await start(undefined, undefined, { default: [SECRET], 'test-mode': ['another'] });
  const body = captured('pay_1');
  const at = (path: string, secret: string) => post(port, { body, path, signature: sign(body, secret) });
  expect(await at(`${WEBHOOK_PATH}/test-mode`, 'another')).toMatchObject({ status: 200 });
  expect(decodeEnvelope(published[0]?.[1].value ?? Buffer.alloc(0), published[0]?.[1].headers)).toMatchObject({
    value: { endpoint: 'test-mode' },
  });
  expect(await at(`${WEBHOOK_PATH}/test-mode`, SECRET)).toMatchObject({ status: 401, reason: 'signature-mismatch' });
  expect(await at(`${WEBHOOK_PATH}?source=dashboard`, SECRET)).toMatchObject({ status: 200 });
  for (const path of [`${WEBHOOK_PATH}/`, `/${WEBHOOK_PATH}`, `${WEBHOOK_PATH}/?source=dashboard`])
    expect([path, (await at(path, SECRET)).status]).toEqual([path, 200]);
  for (const path of [`${WEBHOOK_PATH}/test-mode/`, `/${WEBHOOK_PATH}/test-mode`])
    expect([path, (await at(path, 'another')).status]).toEqual([path, 200]);
  for (const path of [`${WEBHOOK_PATH}/live-mode`, `${WEBHOOK_PATH}/default`, `${WEBHOOK_PATH}/__proto__`])
    expect(await at(path, SECRET)).toMatchObject({ status: 404, reason: 'endpoint-unknown' });
  for (const path of [
    '/',
    '/webhooks',
    '/webhooks/razorpayx',
    '/metrics',
    '/livez',
    `${WEBHOOK_PATH}/a/b`,
    '/%zz',
    `/${'a'.repeat(5_000)}`,
  ])
    expect(await at(path, SECRET)).toMatchObject({ status: 404, reason: 'path-unknown' });
});

test('any other method: 405 that names the right one, on webhook addresses only', async () => {
  const { port } = await start(undefined, undefined, { default: [SECRET], 'test-mode': ['another'] });
  const ask = async (method: string, path: string) => {
    const { status, headers } = await fetch(`http://127.0.0.1:${port}${path}`, { method });
    return [status, headers.get('allow')];
  };
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND'])
    expect([method, ...(await ask(method, WEBHOOK_PATH))]).toEqual([method, 405, 'POST']);
  for (const path of [`${WEBHOOK_PATH}/test-mode`, `${WEBHOOK_PATH}/`, `/${WEBHOOK_PATH}`])
    expect([path, ...(await ask('GET', path))]).toEqual([path, 405, 'POST']);
  expect(await ask('GET', `${WEBHOOK_PATH}/live-mode`)).toEqual([404, null]);
  expect(await ask('GET', '/metrics')).toEqual([404, null]);
});

test('any content type, also none and nonsense, is accepted when the signature is right', async () => {
  const { port } = await start();
  for (const type of [
    'application/json',
    'text/plain; charset=latin1',
    'application/x-www-form-urlencoded',
    ';;;',
    '/',
    'multipart/form-data',
    'a'.repeat(500),
  ]) {
    expect([type, (await post(port, { body: captured('pay_1'), headers: { 'content-type': type } })).status]).toEqual([
      type,
      200,
    ]);
  }
});

test('256 KiB are taken, a byte more is 413, said in the headers or not', async () => {
  const { port, published } = await start();
  const most = Buffer.alloc(256 * 1024, ' ');
  expect(await post(port, { body: most })).toMatchObject({ status: 200 });
  const more = Buffer.alloc(256 * 1024 + 1, ' ');
  expect(await post(port, { body: more })).toMatchObject({ status: 413, reason: 'too-large' });
  const signature = sign(more);
  const chunked = await fetch(`http://127.0.0.1:${port}${WEBHOOK_PATH}`, {
    method: 'POST',
    headers: { 'x-razorpay-signature': signature },
    duplex: 'half',
    body: new ReadableStream({
      start: (controller) => {
        controller.enqueue(more);
        controller.close();
      },
    }),
  });
  expect(chunked.status).toBe(413);
  expect(published).toHaveLength(1);
});

describe('not durable: 503 with Retry-After', () => {
  test.each([
    ['unknown', 'not-durable'],
    ['overloaded', 'overloaded'],
  ] as const)('the producer answers %s', async (outcome, reason) => {
    const { port, metric } = await start(async () => outcome);
    const answered = await post(port, { body: captured('pay_1') });
    expect(answered).toMatchObject({ status: 503, reason });
    expect(answered.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await metric('dakia_ingest_events_total{event="payment.captured"}')).toBe(0);
  });

  test('the producer would not take it: said before the body is verified', async () => {
    const { port, published, metric } = await start(undefined, () => 'kafka-down');
    const answered = await post(port, { body: captured('pay_1') });
    expect(answered).toMatchObject({ status: 503, reason: 'kafka-down' });
    expect(answered.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(published).toEqual([]);
    expect(await metric('dakia_ingest_signatures_total{endpoint="default",position="1"}')).toBe(0);
  });

  test('the producer never answers: within 3.5 s', async () => {
    const { port } = await start(() => new Promise<PublishOutcome>(() => undefined));
    const startedAt = performance.now();
    expect(await post(port, { body: captured('pay_1') })).toMatchObject({ status: 503, reason: 'not-durable' });
    expect(performance.now() - startedAt).toBeLessThan(4_000);
  });

  test('draining: new deliveries are refused and the connection closed, what is in flight is finished', async () => {
    const stored = Promise.withResolvers<PublishOutcome>();
    const { app, port, published } = await start(() => stored.promise);
    const inFlight = post(port, { body: captured('pay_1') });
    await eventually('the delivery on its way', () => published.length === 1);
    app.drain();
    const refused = await post(port, { body: captured('pay_2') });
    expect(refused).toMatchObject({ status: 503, reason: 'draining' });
    expect([refused.headers.get('connection'), refused.headers.get('retry-after')]).toEqual([
      'close',
      expect.stringMatching(/^\d+$/),
    ]);
    stored.resolve('durable');
    expect((await inFlight).status).toBe(200);
  });
});

test('a flood of refusals is one log line per reason and second, none of it an error', async () => {
  const { app, port, logged } = await start();
  const body = captured('pay_1');
  const since = performance.now();
  await Promise.all(
    Array.from({ length: 300 }, (_, index) => post(port, { body, signature: index % 3 === 0 ? null : '0'.repeat(64) })),
  );
  const seconds = Math.ceil((performance.now() - since) / 1000);
  app.flushLog();
  const lines = logged.map((line) => JSON.parse(line) as { level: string; reason: string; count: number });
  // Two reasons; a busy machine takes seconds for what is done in one.
  expect(lines.length).toBeLessThanOrEqual(2 * (seconds + 1));
  const total = (reason: string) =>
    lines.filter((line) => line.reason === reason).reduce((sum, { count }) => sum + count, 0);
  expect([total('signature-missing'), total('signature-mismatch')]).toEqual([100, 200]);
  expect(new Set(lines.map(({ level }) => level))).toEqual(new Set(['info']));
});

test('what is not taken is one line with its event, family, key and trace; what is refused has the id that it claims', async () => {
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const { app, port, logged } = await start(async () => 'unknown');
  const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-00` };
  expect(await post(port, { body: captured('pay_1'), eventId: 'evNotDurable01', headers })).toMatchObject({
    status: 503,
  });
  const forged = { body: captured('pay_1'), signature: '0'.repeat(64) };
  expect(await post(port, { ...forged, eventId: 'evForged000001' })).toMatchObject({ status: 401 });
  app.flushLog();
  expect(await post(port, { ...forged, eventId: 'no id: asha@example.com' })).toMatchObject({ status: 401 });
  app.flushLog();
  const lines = logged
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ code }) => code !== undefined);
  expect(lines).toMatchObject([
    {
      level: 'warn',
      reason: 'not-durable',
      eventId: 'evNotDurable01',
      event: 'payment.captured',
      family: 'payments',
      key: 'pay_1',
      traceId,
      count: 1,
    },
    { level: 'info', reason: 'signature-mismatch', claimedId: 'evForged000001', count: 1 },
    { level: 'info', reason: 'signature-mismatch', count: 1 },
  ]);
  // Nobody has signed it: of a forged delivery there is nothing but its claim, and none that is no id.
  for (const line of lines.slice(1))
    for (const name of ['eventId', 'event', 'key']) expect(line).not.toHaveProperty(name);
  expect(lines[2]).not.toHaveProperty('claimedId');
  expect(logged.join('')).not.toContain('asha@example.com');
});

test('a fault of our own is answered 500 and shows where, not what', async () => {
  const { port, logged } = await start(() => {
    throw new Error('canary of this test');
  });
  const response = await fetch(`http://127.0.0.1:${port}${WEBHOOK_PATH}`, {
    method: 'POST',
    body: '{}',
    headers: { 'x-razorpay-signature': sign('{}') },
  });
  expect(response.status).toBe(500);
  expect(logged.join('')).toMatch(/"level":"error".*app\.test\.ts/);
  expect(logged.join('') + (await response.text())).not.toContain('canary');
});
