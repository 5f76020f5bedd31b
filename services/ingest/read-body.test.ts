import http from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readBody } from './read-body.ts';

/** Posts a body to a server that reads it with these bounds, and returns what it read. */
const read = async (body: string, bounds: Partial<Parameters<typeof readBody>[1]>): Promise<string> => {
  const server = http.createServer((request: IncomingMessage, response) => {
    void readBody(request, { maxBytes: 1_000, withinMs: 10_000, reserve: () => true, ...bounds }).then((result) =>
      response.end(typeof result === 'string' ? result : `${result.length} bytes`),
    );
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
  expect(await read('x'.repeat(3_000_000), { maxBytes: 10_000_000, reserve })).toBe('bytes-full');
});
