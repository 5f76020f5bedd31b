import net from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/**
 * The address of Redis that does not change when Redis moves: what a
 * failover by DNS or by a load balancer looks like to a client.
 */
export interface RedisProxy {
  readonly url: string;
  /** Where connections go that come after this. */
  readonly leadTo: (redisUrl: string) => void;
  /** Ends all connections, as a server does that dies. */
  readonly cut: () => void;
  /**
   * Lets no byte more through the connections that are there, and does
   * not end them: a host that vanished, or a firewall that forgot.
   */
  readonly silence: () => void;
  readonly close: () => void;
}

export const startRedisProxy = async (redisUrl: string): Promise<RedisProxy> => {
  let target = new URL(redisUrl);
  const sockets = new Set<Socket>();
  const server = net.createServer((client) => {
    const redis = net.connect(Number(target.port), target.hostname);
    for (const [socket, other] of [
      [client, redis],
      [redis, client],
    ] as const) {
      sockets.add(socket.setNoDelay(true));
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    // With the login of the first server; one that asks for none takes it as well.
    url: Object.assign(new URL(redisUrl), { port: String((server.address() as AddressInfo).port) }).href,
    leadTo: (url) => (target = new URL(url)),
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    silence: () => {
      for (const socket of sockets) socket.unpipe().pause();
    },
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
};
