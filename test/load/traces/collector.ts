import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** Where spans go during a measurement: read, answered and forgotten. */
export const startCollector = async (): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> => {
  const server = http.createServer((request, response) => {
    request.resume();
    request.on('end', () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end());
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
};
