import { once } from 'node:events';
import { testServers } from '#kit';
import { createRedis, untilReady } from './client.ts';

const READY_WITHIN_MS = 5_000;

const openClient = async () => {
  const client = createRedis({ redisUrl: () => testServers().REDIS_URL, redisTlsCaFile: () => undefined }, {});
  client.on('error', () => undefined);
  await untilReady(client, READY_WITHIN_MS);
  return client;
};

/** How often the connection's stream hands something to the system from here on. */
const countWrites = ({ stream }: Awaited<ReturnType<typeof openClient>>): (() => number) => {
  let writes = 0;
  for (const name of ['_write', '_writev'] as const) {
    const stock = stream[name]?.bind(stream) as (...given: readonly unknown[]) => void;
    stream[name] = (...given: readonly unknown[]): void => {
      writes += 1;
      stock(...given);
    };
  }
  return () => writes;
};

test('what one turn of the event loop asks Redis for is one write, also after the connection was lost', async () => {
  const client = await openClient();
  try {
    const names = Array.from({ length: 20 }, (_, index) => `one-write-${process.pid}-${index}`);
    const before = countWrites(client);
    await Promise.all(names.map((name) => client.set(name, name, 'PX', READY_WITHIN_MS)));
    expect(before()).toBe(1);

    const lost = once(client, 'close');
    client.disconnect(true);
    await lost;
    await untilReady(client, READY_WITHIN_MS);
    const after = countWrites(client);
    expect(await Promise.all(names.map((name) => client.get(name)))).toEqual(names);
    expect(after()).toBe(1);
  } finally {
    client.disconnect();
  }
});
