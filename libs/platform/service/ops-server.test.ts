import net from 'node:net';
import promClient from 'prom-client';
import { createRegistry } from '#platform/metrics';
import { instant } from '#rules';
import { createOpsServer } from './ops-server.ts';
import type { OpsServer } from './ops-server.ts';

/** Far more than a stop may take here, and far less than Node gives a client that says nothing (60 s). */
const STOPPED_WITHIN_MS = 4_000;
const DRAIN_MS = 20_000;

let ops: OpsServer;
const clients: net.Socket[] = [];
const registry = createRegistry();

beforeEach(async () => {
  ops = createOpsServer({
    ...{ host: '127.0.0.1', port: 0, registry, plugins: () => [] },
    readiness: () => ({ status: 'ready', reasons: [], stages: [], dependencies: {} }),
  });
  await ops.start();
});
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
});

/** A client that says this, and reads nothing of the answer. */
const says = async (text: string): Promise<void> => {
  const client = net.connect(ops.port(), '127.0.0.1').pause();
  client.on('error', () => undefined);
  clients.push(client);
  await new Promise<void>((resolve) => client.once('connect', resolve));
  await new Promise<void>((resolve) => client.write(text, () => resolve()));
};
const stopMs = async (): Promise<number> => {
  const began = performance.now();
  await ops.stop(instant(Date.now() + DRAIN_MS));
  return performance.now() - began;
};
const GET = 'GET /metrics HTTP/1.1\r\nHost: x\r\n';
test('half a request keeps no process from ending', async () => {
  await says(GET);
  expect(await stopMs()).toBeLessThan(STOPPED_WITHIN_MS);
});

test('nor does a gauge that never answers', async () => {
  const asked = Promise.withResolvers<void>();
  const collect = (): Promise<void> => {
    asked.resolve();
    return new Promise(() => undefined);
  };
  new promClient.Gauge({ name: 'tested_never', help: 'Asked of what hangs.', registers: [registry], collect });
  await says(`${GET}\r\n`);
  await asked.promise;
  expect(await stopMs()).toBeLessThan(STOPPED_WITHIN_MS);
});
