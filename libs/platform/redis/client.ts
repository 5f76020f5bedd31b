import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import type { RedisOptions } from 'ioredis';
import type { ConfigOf, redisSettings } from '#platform/config';
import { gatherWrites } from '#platform/time';

export type RedisConfig = ConfigOf<typeof redisSettings>;
export type { Redis } from 'ioredis';
/** What callers differ in; the reply's form is the same for all. */
export type ClientOptions = Omit<RedisOptions, 'replyMapping'>;

/** Longest time to connect and log in, in ms. */
const CONNECT_TIMEOUT_MS = 3_000;

/**
 * A client that connects when it is first asked to. Whoever takes it
 * listens to its `error` event; without that ioredis prints.
 */
export const createRedis = ({ redisUrl, redisTlsCaFile }: RedisConfig, options: ClientOptions): Redis => {
  const client = new Redis(redisUrl, {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    ...(redisTlsCaFile !== undefined && { tls: { ca: readFileSync(redisTlsCaFile, 'utf8') } }),
    ...options,
  });
  return client.on('connect', () => writeTogether(client));
};

/** Each connection has a stream of its own. ioredis writes each command alone; a queue ends many jobs in one turn. */
const writeTogether = ({ stream }: Redis): void => {
  const write = stream.write.bind(stream) as (...given: readonly unknown[]) => boolean;
  stream.write = (...given: readonly unknown[]): boolean => {
    gatherWrites(stream);
    return write(...given);
  };
};

/**
 * Resolves when the client can take commands. Rejects with the reason when a connection attempt fails, and after
 * `withinMs` otherwise; the client goes on trying by itself.
 */
export const untilReady = async (client: Redis, withinMs: number): Promise<void> => {
  if (client.status === 'ready') return;
  if (client.status === 'end') throw new Error('the connection to Redis is closed');
  if (client.status === 'wait') client.connect().catch(() => undefined);
  try {
    await once(client, 'ready', { signal: AbortSignal.timeout(withinMs) });
  } catch (error) {
    const { name, message } = error as Error;
    const reason = name === 'AbortError' ? `no answer within ${withinMs} ms` : message;
    throw new Error(`Redis is away: ${reason}`, { cause: error });
  }
};
