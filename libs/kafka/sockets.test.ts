import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { createKillableSockets } from './sockets.ts';

const MINUTE_MS = 60_000;
let servers: net.Server[] = [];

beforeEach(
  () =>
    void jest.useFakeTimers({
      doNotFake: [
        'nextTick',
        'setImmediate',
        'setTimeout',
        'clearTimeout',
        'setInterval',
        'clearInterval',
        'queueMicrotask',
        'hrtime',
      ],
    }),
);
afterEach(async () => {
  jest.useRealTimers();
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  servers = [];
});

/** A broker that says something whenever it is written to. */
const broker = async (): Promise<number> => {
  const server = net.createServer((socket) => socket.on('data', () => socket.write('x')).on('error', () => undefined));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};
const setUp = () => {
  const sockets = createKillableSockets(1_000);
  const connect = async (port: number) => {
    const connected = Promise.withResolvers<void>();
    const socket = sockets.socketFactory({ host: '127.0.0.1', port, ssl: null as never, onConnect: connected.resolve });
    const failure = Promise.withResolvers<NodeJS.ErrnoException>();
    socket.once('error', failure.resolve);
    await Promise.race([connected.promise, failure.promise]);
    return {
      socket,
      failure: failure.promise,
      exchange: () => new Promise((resolve) => socket.once('data', resolve).write('?')),
    };
  };
  return { sockets, connect };
};

test('the sockets of a silent broker fail at once, and it is refused for a moment while there is another one', async () => {
  const [silent, other] = [await broker(), await broker()];
  const { sockets, connect } = setUp();
  const [first, second, elsewhere] = [await connect(silent), await connect(silent), await connect(other)];
  sockets.kill(`127.0.0.1:${silent}`);
  expect([(await first.failure).code, (await second.failure).code]).toEqual(['ETIMEDOUT', 'ETIMEDOUT']);
  expect(elsewhere.socket.destroyed).toBe(false);
  expect((await (await connect(silent)).failure).code).toBe('ECONNREFUSED');
  jest.advanceTimersByTime(1_500);
  const again = await connect(silent);
  expect(again.socket.destroyed).toBe(false);
  sockets.killAll();
  expect([(await again.failure).code, (await elsewhere.failure).code]).toEqual(['ETIMEDOUT', 'ETIMEDOUT']);
  // For good: whoever still tries is not to keep a process that ends.
  jest.advanceTimersByTime(MINUTE_MS);
  expect((await (await connect(other)).failure).code).toBe('ECONNREFUSED');
});

test('the only broker is not refused', async () => {
  const port = await broker();
  const { sockets, connect } = setUp();
  const first = await connect(port);
  sockets.kill(`127.0.0.1:${port}`);
  await first.failure;
  expect((await connect(port)).socket.destroyed).toBe(false);
  sockets.killAll();
});

test('after a long silence the others are closed with the first; one that was heard from stays', async () => {
  const [dead, asleep, awake] = [await broker(), await broker(), await broker()];
  const { sockets, connect } = setUp();
  const [first, second, third] = [await connect(dead), await connect(asleep), await connect(awake)];
  jest.advanceTimersByTime(MINUTE_MS);
  await third.exchange();
  sockets.kill(`127.0.0.1:${dead}`);
  expect([(await first.failure).code, (await second.failure).code]).toEqual(['ETIMEDOUT', 'ETIMEDOUT']);
  expect(third.socket.destroyed).toBe(false);
  sockets.killAll();
});
