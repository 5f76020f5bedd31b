import http from 'node:http';
import type { RequestListener } from 'node:http';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { eventually } from '#kit/eventually';
import { connect } from '../../test/kit/ingest/raw-http.ts';
import { PiecewiseRequest } from './body-pieces.ts';
import { oneAtATime } from './connection-line.ts';
import { readBody } from './read-body.ts';
import { readInSlices, readInSlicesWhenWary } from './sliced-reads.ts';

/** Pieces of bodies that Node's parser has handed over. */
let pieces = 0;
class CountedRequest extends PiecewiseRequest {
  override push(piece: Buffer | null): boolean {
    pieces += 1;
    return super.push(piece);
  }
}

const servers: http.Server[] = [];
const serve = async (handle: RequestListener): Promise<number> => {
  const server = http.createServer({ IncomingMessage: CountedRequest }, oneAtATime(handle));
  servers.push(server.on('connection', readInSlicesWhenWary));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};
beforeEach(() => (pieces = 0));
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** Answers with what it read, or why it read nothing. */
const echo: RequestListener = (request, response) => {
  const place = { reserve: () => true, onCrowdedOut: () => undefined };
  void readBody(request, { maxBytes: 1_000_000, withinMs: 10_000, place }).then((body) =>
    response.setHeader('content-length', body.length).end(body),
  );
};

const HEAD = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
const chunked = (body: string, size: number): string => {
  let text = HEAD;
  for (let at = 0; at < body.length; at += size) {
    const chunk = body.slice(at, at + size);
    text += `${chunk.length.toString(16)}\r\n${chunk}\r\n`;
  }
  return `${text}0\r\n\r\n`;
};

test('of a body in crumbs no more is parsed than two slices hold', async () => {
  const port = await serve(echo);
  const connection = await connect(port);
  connection.write(chunked('whole', 5));
  expect((await connection.next()).body).toBe('whole');
  connection.write(HEAD + '1\r\nx\r\n'.repeat(100_000));
  expect((await connection.next()).body).toBe('body-in-pieces');
  expect(pieces).toBeLessThan(2_000);
  connection.destroy();
  // From now on also where the first read of a connection holds it all.
  const another = await connect(port);
  another.write(HEAD + '1\r\nx\r\n'.repeat(100_000));
  expect((await another.next()).body).toBe('body-in-pieces');
  expect(pieces).toBeLessThan(2 * 2_000);
  another.destroy();
});

test('requests with bodies in chunks, one after another, are read as they were sent, however they are cut', async () => {
  const port = await serve(echo);
  const sent = fc.record({ length: fc.nat({ max: 9_000 }), size: fc.integer({ min: 300, max: 9_000 }) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(sent, { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 100, max: 70_000 }),
      async (requests, cut) => {
        const bodies = requests.map(({ length }, index) => `${index} `.repeat(length).slice(0, length));
        const text = bodies.map((body, index) => chunked(body, requests[index]?.size ?? 1)).join('');
        const connection = await connect(port);
        for (let at = 0; at < text.length; at += cut) connection.write(text.slice(at, at + cut));
        for (const body of bodies) expect((await connection.next()).body).toBe(body);
        connection.destroy();
      },
    ),
    { numRuns: 30 },
  );
});

test('a sender that takes no answers is not read from; it gets them all when it does', async () => {
  const answer = 'a'.repeat(200_000);
  let answered = 0;
  const port = await serve((request, response) => {
    request.resume().once('end', () => {
      answered += 1;
      response.setHeader('content-length', answer.length).end(answer);
    });
  });
  const socket = net.connect({ host: '127.0.0.1', port });
  const count = 100;
  socket.pause();
  socket.write(chunked('b'.repeat(3_000), 1_000).repeat(count));
  let before = -1;
  await eventually('the server waits for the sender', () => {
    const isStill = answered > 0 && answered === before;
    before = answered;
    return isStill;
  });
  expect(answered).toBeLessThan(count);
  let received = 0;
  socket.on('data', (data: Buffer) => (received += data.length));
  socket.resume();
  await eventually('all answers', () => received > count * answer.length);
  expect(answered).toBe(count);
  socket.destroy();
});

test('while Node holds a connection its parser gets nothing, also when it was set going again; then all', () => {
  const socket = Object.assign(new net.Socket(), { _paused: true });
  const parsed: string[] = [];
  socket.on('data', (bytes: Buffer) => parsed.push(bytes.toString()));
  readInSlices(socket);
  socket.emit('data', Buffer.from('held'));
  expect([parsed, socket.isPaused(), socket.readableLength]).toEqual([[], true, 4]);
  socket._paused = false;
  socket.resume();
  expect(socket.read()).toEqual(Buffer.from('held'));
  expect(parsed).toEqual(['held']);
});
