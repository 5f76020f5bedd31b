import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { ROOT, testServers } from '#kit';
import type { ServerAddresses } from '#kit';
import { startServers } from '#local';
import type { RunningServers, Server } from '#local';

export interface OwnServers<Own extends keyof ServerAddresses> extends RunningServers {
  readonly of: (name: Own) => Server;
}

/**
 * Starts the servers named, because they are to die, which those of the
 * other tests must not; the rest are the ones that all tests share.
 */
export const startOwnServers = async <Own extends keyof ServerAddresses>(
  own: readonly Own[],
): Promise<OwnServers<Own>> => {
  const shared = Object.entries(testServers()).filter(([name]) => !(own as readonly string[]).includes(name));
  const running = await startServers({
    dataDir: join(ROOT, '.dakia', 'test', randomBytes(4).toString('hex')),
    ports: 'free',
    environment: Object.fromEntries(shared),
    temporary: true,
  });
  return {
    ...running,
    of: (name) => {
      const server = running.servers[name];
      if (server === undefined) throw new Error(`${name} was not started here`);
      return server;
    },
  };
};
