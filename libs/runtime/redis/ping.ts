import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import type { ConfigOf, redisSettings } from '#runtime/config';

export type RedisConfig = ConfigOf<typeof redisSettings>;

/** Longest time to connect and log in, in ms. */
const CONNECT_TIMEOUT_MS = 3_000;
/** Longest time for one command, in ms. */
const COMMAND_TIMEOUT_MS = 3_000;

/** Connects, logs in and asks for the server's version; rejects with the reason when Redis does not answer or refuses. */
export const pingRedis = async ({ redisUrl, redisTlsCaFile }: RedisConfig): Promise<string> => {
  const client = new Redis(redisUrl, {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: COMMAND_TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    ...(redisTlsCaFile !== undefined && { tls: { ca: readFileSync(redisTlsCaFile, 'utf8') } }),
  });
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
