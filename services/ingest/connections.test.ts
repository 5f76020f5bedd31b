import { Agent, request } from 'node:http';
import type { Socket } from 'node:net';
import { eventually } from '#kit/eventually';
import { openTestApp } from '../../test/kit/ingest/app.ts';
import type { TestApp } from '../../test/kit/ingest/app.ts';
import { captured, head, post, sign } from '../../test/kit/ingest/deliveries.ts';
import { connect } from '../../test/kit/ingest/raw-http.ts';

let open: TestApp;
beforeEach(async () => (open = await openTestApp()));
afterEach(() => open.close());

/** Thousands of requests, on a machine that does other things as well. */
jest.setTimeout(30_000);
const SECOND = 1_000;
/** Largest body that the server takes, in bytes. */
const MOST = 256 * 1024;
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

test('pipelined deliveries are answered in order; a refused one ends the connection, and nothing after it is looked at', async () => {
  for (const [refused, status] of [
    [head({ 'X-Razorpay-Signature': 'nonsense', 'Content-Length': body.length }) + body, 401],
    [head({ 'X-Razorpay-Signature': '0'.repeat(64), 'Content-Length': body.length }) + body, 401],
    [head({ ...signed, 'Content-Length': MOST + 1 }) + ' '.repeat(MOST + 1), 413],
    ['GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(1_000), 404],
  ] as const) {
    const { stackTraceLimit } = Error;
    const before = open.published.length;
    const connection = await connect(open.port);
    connection.write([whole, whole, refused, whole].join(''));
    const answers = [await connection.next(), await connection.next(), await connection.next()];
    expect(answers.map((answer) => [answer.status, answer.headers['connection']])).toEqual([
      [200, 'keep-alive'],
      [200, 'keep-alive'],
      [status, 'close'],
    ]);
    await connection.closed;
    // It is without stacks only while the connection closes.
    expect(Error.stackTraceLimit).toBe(stackTraceLimit);
    expect(open.published).toHaveLength(before + 2);
  }
  expect(
    await open.metric('dakia_ingest_deliveries_total{endpoint="none",outcome="refused",reason="path-unknown"}'),
  ).toBe(1);
  quiet();
});

/**
 * As nginx does: a connection that is idle is used again, up to so
 * many are kept, and what was refused with `close` is not.
 */
const [KEPT, ROUNDS] = [32, 4];
test('150 deliveries at once by a proxy that keeps its connections are all answered, again and again', async () => {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: KEPT });
  const answerOf = async (signature: string): Promise<number | undefined> => {
    const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
    const headers = { 'X-Razorpay-Signature': signature, 'Content-Length': body.length };
    const options = { agent, port: open.port, path: '/webhooks/razorpay', method: 'POST', headers };
    const sent = request(options, (answer) => answer.resume().once('end', () => resolve(answer.statusCode)));
    // Longer than ingest takes for anything, also on a busy machine.
    sent.setTimeout(30 * SECOND, () => sent.destroy(new Error('not answered')));
    sent.once('error', reject).end(body);
    return promise;
  };
  for (let round = 0; round < ROUNDS; round++) {
    const signatures = Array.from({ length: 150 }, (_, index) => (index % 2 === 0 ? sign(body) : '0'.repeat(64)));
    const answers = await Promise.all(signatures.map(answerOf));
    expect(answers).toEqual(signatures.map((_, index) => (index % 2 === 0 ? 200 : 401)));
  }
  agent.destroy();
  expect(open.published).toHaveLength(ROUNDS * 75);
}, 90_000);

test('many pipelined requests of one connection do not keep another one waiting', async () => {
  const stored = Promise.withResolvers<'durable'>();
  await open.close();
  open = await openTestApp(() => stored.promise);
  const connection = await connect(open.port);
  connection.write(whole.repeat(500));
  await eventually('the first is on its way', () => open.published.length === 1);
  const other = post(open.port, { body });
  await eventually('so is the other sender', () => open.published.length === 2);
  expect(await open.metric('dakia_ingest_in_flight_requests')).toBe(2);
  stored.resolve('durable');
  expect((await other).status).toBe(200);
  for (let i = 0; i < 500; i++) expect((await connection.next()).status).toBe(200);
  connection.destroy();
});

test('a sender that closes its side after the request is answered', async () => {
  const connection = await connect(open.port);
  connection.end(whole + whole);
  expect([(await connection.next()).status, (await connection.next()).status]).toEqual([200, 200]);
  await connection.closed;
});

test('of a body that nobody wants no more is read than had come', async () => {
  for (const lines of [{ 'X-Razorpay-Signature': 'nonsense' }, {}, { 'X-Unknown': 'path' }]) {
    const taken = new Set<Socket>();
    open.app.fastify.server.once('connection', (socket: Socket) => taken.add(socket));
    const connection = await connect(open.port);
    const path = 'X-Unknown' in lines ? '/nowhere' : undefined;
    connection.write(head({ ...lines, 'Transfer-Encoding': 'chunked' }, path));
    expect((await connection.next()).status).toBe(path === undefined ? 401 : 404);
    const chunk = `10000\r\n${'a'.repeat(0x10000)}\r\n`;
    for (let i = 0; i < 64; i++) connection.write(chunk);
    await connection.closed;
    const [socket] = taken;
    expect(socket?.bytesRead).toBeLessThan(512 * 1024);
  }
  await expectAlive();
  quiet();
});

test('a body of single bytes, chunk by chunk, is refused before it costs much', async () => {
  const connection = await connect(open.port);
  connection.write(head({ ...signed, 'Transfer-Encoding': 'chunked' }));
  connection.write('1\r\na\r\n'.repeat(20_000));
  const { status, body: said } = await connection.next();
  expect([status, said]).toEqual([400, expect.stringContaining('body-in-pieces')]);
  await connection.closed;
  expect(await open.metric('dakia_ingest_in_flight_bytes')).toBe(0);
});

test('a body that stops is given up although its time is not over', async () => {
  const connection = await connect(open.port);
  connection.write(head({ ...signed, 'Content-Length': MOST }) + 'a'.repeat(1_000));
  const begun = performance.now();
  expect((await connection.next()).status).toBe(408);
  expect(performance.now() - begun).toBeLessThan(3 * SECOND);
});

test(
  'many that stop one byte short, and many that send headers only, keep no genuine delivery out',
  async () => {
    const connections = await Promise.all(Array.from({ length: 260 }, () => connect(open.port)));
    const almost = Buffer.alloc(MOST - 1, 'a');
    for (const [index, connection] of connections.entries()) {
      connection.write(head({ ...signed, 'Content-Length': index % 2 === 0 ? MOST : 100 }));
      if (index % 2 === 0) connection.write(almost);
    }
    await eventually('they hold a good part', async () => (await open.metric('dakia_ingest_in_flight_bytes')) > 8e6);
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(open.port, { body })));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(await open.metric('dakia_ingest_in_flight_bytes')).toBeLessThanOrEqual(32 * 1024 * 1024 + 64 * 1024);
    for (const connection of connections) connection.destroy();
  },
  20 * SECOND,
);

test(
  'thousands pipelined on one connection',
  async () => {
    const connection = await connect(open.port);
    connection.write(whole.repeat(3_000));
    for (let i = 0; i < 3_000; i++) expect((await connection.next()).status).toBe(200);
    connection.destroy();
    expect(await open.metric('dakia_ingest_in_flight_requests')).toBe(0);
  },
  60 * SECOND,
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
