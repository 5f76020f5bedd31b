import { eventually } from '#kit';
import { openTestApp } from '../../test/kit/ingest/app.ts';
import type { TestApp } from '../../test/kit/ingest/app.ts';
import { captured, head, post, sign } from '../../test/kit/ingest/deliveries.ts';
import { connect } from '../../test/kit/ingest/raw-http.ts';

let open: TestApp;
beforeEach(async () => (open = await openTestApp()));
afterEach(() => open.close());

const SECOND = 1_000;
const body = captured('pay_1');
const signed = { 'X-Razorpay-Signature': sign(body), 'X-Razorpay-Event-Id': 'TUoumpUn1znA6u' };
const whole = head({ ...signed, 'Content-Length': body.length }) + body;
/** Still works, for everybody else. */
const expectAlive = async () => expect(await post(open.port, { body })).toMatchObject({ status: 200 });
const quiet = () => expect(open.logged.filter((line) => /"level":"(warn|error|fatal)"/.test(line))).toEqual([]);

test('a request byte by byte, without a content type, in pieces or chunked', async () => {
  const connection = await connect(open.port);
  for (const byte of whole) connection.write(byte);
  expect((await connection.next()).status).toBe(200);
  connection.write(head({ ...signed, 'Transfer-Encoding': 'chunked' }));
  for (const piece of [body.slice(0, 10), body.slice(10)])
    connection.write(`${piece.length.toString(16)}\r\n${piece}\r\n`);
  connection.write('0\r\n\r\n');
  expect((await connection.next()).status).toBe(200);
  connection.destroy();
  expect(open.published).toHaveLength(2);
});

test('pipelined deliveries are answered in order, a refused one among them does not end the connection', async () => {
  const connection = await connect(open.port);
  const refused = head({ 'X-Razorpay-Signature': 'nonsense', 'Content-Length': body.length }) + body;
  const large = head({ ...signed, 'Content-Length': 1024 * 1024 + 1 }) + ' '.repeat(1024 * 1024 + 1);
  connection.write([whole, refused, whole, large, whole].join(''));
  const statuses = [];
  for (let i = 0; i < 5; i++) statuses.push((await connection.next()).status);
  expect(statuses).toEqual([200, 401, 200, 413, 200]);
  connection.destroy();
  quiet();
});

test(
  'thousands pipelined on one connection',
  async () => {
    const connection = await connect(open.port);
    connection.write(whole.repeat(3_000));
    for (let i = 0; i < 3_000; i++) expect((await connection.next()).status).toBe(200);
    connection.destroy();
    expect(await open.metric('dakia_ingest_in_flight_requests')).toBe(0);
  },
  30 * SECOND,
);

test('keep-alive outlasts the idle time of a load balancer', async () => {
  const connection = await connect(open.port);
  connection.write(whole);
  const { headers } = await connection.next();
  expect(headers['connection']).toBe('keep-alive');
  expect(headers['keep-alive']).toBe('timeout=75');
  connection.destroy();
});

test('bodies that end early are counted, leave nothing behind, and are no error of ours', async () => {
  for (const part of [
    head({ ...signed, 'Content-Length': body.length }),
    head({ ...signed, 'Content-Length': body.length }) + body.slice(0, 20),
    head({ ...signed, 'Transfer-Encoding': 'chunked' }) + '5\r\n{"eve',
  ]) {
    const connection = await connect(open.port);
    connection.write(part);
    await eventually(
      'the delivery being read',
      async () => (await open.metric('dakia_ingest_in_flight_requests')) === 1,
    );
    connection.destroy();
    await eventually('the delivery given up', async () => (await open.metric('dakia_ingest_in_flight_requests')) === 0);
  }
  expect(
    await open.metric('dakia_ingest_deliveries_total{endpoint="default",outcome="refused",reason="body-aborted"}'),
  ).toBe(3);
  expect([
    await open.metric('dakia_ingest_in_flight_requests'),
    await open.metric('dakia_ingest_in_flight_bytes'),
  ]).toEqual([0, 0]);
  expect(open.published).toEqual([]);
  await expectAlive();
  quiet();
});

test('oversize headers: 431; what is no HTTP: 400; both close the connection and are no error of ours', async () => {
  for (const [bytes, status] of [
    [head({ ...signed, 'X-Long': 'a'.repeat(20_000), 'Content-Length': 0 }), 431],
    [`${'a'.repeat(20_000)}`, 400],
    ['GARBAGE\r\n\r\n', 400],
    [head({ 'Content-Length': 'five' }), 400],
    [head({ 'Content-Length': 5, 'Transfer-Encoding': 'chunked' }) + '0\r\n\r\n', 400],
    ['\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001', 400],
  ] as const) {
    const connection = await connect(open.port);
    connection.write(bytes);
    expect((await connection.next()).status).toBe(status);
    await connection.closed;
  }
  expect(await open.metric('dakia_ingest_bad_connections_total{status="431"}')).toBe(1);
  await expectAlive();
  quiet();
});

test(
  'slow senders are let go: of headers, of a body, of nothing at all; others are served meanwhile',
  async () => {
    const startedAt = performance.now();
    const [headers, bodyOnly, silent, refused] = await Promise.all([
      connect(open.port),
      connect(open.port),
      connect(open.port),
      connect(open.port),
    ]);
    headers.write('POST /webhooks/razorpay HTTP/1.1\r\nHost: test\r\nX-Slow: ');
    bodyOnly.write(head({ ...signed, 'Content-Length': body.length }) + body.slice(0, 5));
    refused.write(head({ 'X-Razorpay-Signature': 'nonsense', 'Content-Length': 100 }));
    const drip = setInterval(() => [headers, bodyOnly].forEach((connection) => connection.write('a')), 500);
    await expectAlive();
    expect((await bodyOnly.next()).status).toBe(408);
    expect(performance.now() - startedAt).toBeLessThan(5 * SECOND);
    expect((await headers.next()).status).toBe(408);
    expect((await refused.next()).status).toBe(401);
    await Promise.all([headers, bodyOnly, silent, refused].map(({ closed }) => closed));
    clearInterval(drip);
    expect(performance.now() - startedAt).toBeLessThan(15 * SECOND);
    expect(await open.metric('dakia_ingest_in_flight_requests')).toBe(0);
    expect(await open.metric('dakia_ingest_in_flight_bytes')).toBe(0);
    quiet();
  },
  30 * SECOND,
);

test('a refused body without end is cut off', async () => {
  const connection = await connect(open.port);
  connection.write(head({ 'X-Razorpay-Signature': 'nonsense', 'Transfer-Encoding': 'chunked' }));
  expect((await connection.next()).status).toBe(401);
  const chunk = `10000\r\n${'a'.repeat(0x10000)}\r\n`;
  const flood = setInterval(() => connection.write(chunk), 1);
  await connection.closed;
  clearInterval(flood);
  await expectAlive();
  quiet();
});

test('a connection that is held open with refused deliveries does not keep the server from closing', async () => {
  const connection = await connect(open.port);
  connection.write(whole);
  expect((await connection.next()).status).toBe(200);
  open.app.drain();
  const closing = open.app.fastify.close();
  await connection.closed;
  await closing;
  open = await openTestApp();
});
