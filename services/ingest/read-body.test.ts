import http from 'node:http';
import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { PiecewiseRequest } from './body-pieces.ts';
import { readBody } from './read-body.ts';

/** Posts a body to a server that reads it with these bounds, and returns what it read. */
const read = async (body: string, bounds: Partial<Parameters<typeof readBody>[1]>): Promise<string> => {
  const server = http.createServer((request: IncomingMessage, response) => {
    void readBody(request, {
      maxBytes: 1_000,
      withinMs: 10_000,
      place: { reserve: () => true, onCrowdedOut: () => undefined },
      ...bounds,
    }).then((result) => response.end(typeof result === 'string' ? result : `${result.length} bytes`));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await (
      await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { method: 'POST', body })
    ).text();
  } finally {
    server.closeAllConnections();
    server.close();
  }
};

test('a body within its bounds, empty or not', async () => {
  expect(await read('x'.repeat(1_000), {})).toBe('1000 bytes');
  expect(await read('', {})).toBe('0 bytes');
});

test('a body that is too large, or for which there is no room, is given up', async () => {
  expect(await read('x'.repeat(1_001), {})).toBe('too-large');
  let room = 1_000_000;
  const reserve = (bytes: number): boolean => (room -= bytes) >= 0;
  expect(
    await read('x'.repeat(3_000_000), {
      maxBytes: 10_000_000,
      place: { reserve, onCrowdedOut: () => undefined },
    }),
  ).toBe('bytes-full');
});

/** A request whose body comes in the pieces that a test gives it. */
const readPieces = async (pieces: Iterable<Buffer>, maxBytes: number) => {
  const request = Readable.from(pieces) as IncomingMessage;
  const reserved: number[] = [];
  const body = await readBody(request, {
    maxBytes,
    withinMs: 10_000,
    place: { reserve: (bytes) => reserved.push(bytes) > 0, onCrowdedOut: () => undefined },
  });
  return { body, reserved: reserved.reduce((sum, bytes) => sum + bytes, 0) };
};

test('any cut of a body into pieces gives the same body, in memory of at most twice its size', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 3_000 }), { minLength: 1 }), async (arrays) => {
      const pieces = arrays.map((array) => Buffer.from(array));
      const whole = Buffer.concat(pieces);
      const { body, reserved } = await readPieces(pieces, 1_000_000);
      expect(body).toEqual(whole);
      expect(reserved).toBeLessThanOrEqual(Math.max(2 * whole.length, 4_096));
    }),
    { numRuns: 50 },
  );
});

test('small bodies may come byte by byte, large ones not', async () => {
  const bytes = (count: number) => Array.from({ length: count }, () => Buffer.from('x'));
  expect((await readPieces(bytes(1_000), 100_000)).body).toEqual(Buffer.alloc(1_000, 'x'));
  expect((await readPieces(bytes(2_000), 100_000)).body).toBe('body-in-pieces');
});

test('what follows the first piece too many is dropped, and the body is refused all the same', async () => {
  const request = new PiecewiseRequest(new Socket());
  for (let pieces = 0; pieces < 10_000; pieces += 1) request.push(Buffer.from('x'));
  expect(request.readableLength).toBeLessThan(1_100);
  const place = { reserve: () => true, onCrowdedOut: () => undefined };
  expect(await readBody(request, { maxBytes: 100_000, withinMs: 10_000, place })).toBe('body-in-pieces');
});

test('a sender that must give way, or that stops in the middle, is told so in time', async () => {
  const silent = (): IncomingMessage => new Readable({ read: () => undefined }) as IncomingMessage;
  const place = { reserve: () => true, onCrowdedOut: (giveUp: () => void) => void setImmediate(giveUp) };
  expect(await readBody(silent(), { maxBytes: 1_000, withinMs: 10_000, place })).toBe('crowded-out');
  const begun = performance.now();
  const patient = { reserve: () => true, onCrowdedOut: () => undefined };
  expect(await readBody(silent(), { maxBytes: 1_000, withinMs: 60_000, place: patient })).toBe('body-late');
  expect(performance.now() - begun).toBeLessThan(5_000);
});
