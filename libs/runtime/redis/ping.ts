import { createRedis } from './client.ts';
import type { RedisConfig } from './client.ts';

/** Longest time for one command, in ms. */
const COMMAND_TIMEOUT_MS = 3_000;

/** Connects, logs in and asks for the server's version; rejects with the reason when Redis does not answer or refuses. */
export const pingRedis = async (config: RedisConfig): Promise<string> => {
  const client = createRedis(config, { commandTimeout: COMMAND_TIMEOUT_MS, maxRetriesPerRequest: 0, retryStrategy: () => null });
  // ioredis rejects with "Connection is closed"; the reason comes as an event before.
  let reason: Error | undefined;
  client.on('error', (error: Error) => (reason = error));
  try {
    await client.connect();
    return /redis_version:(\S+)/.exec(await client.info('server'))?.[1] ?? 'unknown version';
  } catch (error) {
    throw reason ?? error;
  } finally {
    client.disconnect();
  }
};
