import { once } from 'node:events';
import { Redis } from 'ioredis';
import type { RedisOptions } from 'ioredis';
import type { ConfigOf, redisSettings } from '#platform/config';

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
export const createRedis = (config: RedisConfig, options: ClientOptions): Redis =>
  renewed(
    new Redis(config.redisUrl(), {
      lazyConnect: true,
      connectTimeout: CONNECT_TIMEOUT_MS,
      ...authorityOf(config),
      ...options,
    }),
    config,
  );

/**
 * ioredis reads its options at each connection, so the URL is put into them before: a password that has changed in its
 * file is used without a restart. The connections that BullMQ makes for itself are duplicates, which do the same.
 */
const renewed = (client: Redis, config: RedisConfig): Redis => {
  const connect = client.connect.bind(client);
  const duplicate = client.duplicate.bind(client);
  const each: Pick<Redis, 'connect' | 'duplicate'> = {
    connect: (...given) => {
      Object.assign(client.options, accessOf(config));
      return connect(...given);
    },
    duplicate: (...given) => renewed(duplicate(...given), config),
  };
  return Object.assign(client, each);
};

/** Where the server is and how to log in, as ioredis reads it from the URL. */
const accessOf = (config: RedisConfig): RedisOptions => {
  const { host, port, db, username, password, tls } = new Redis(config.redisUrl(), {
    lazyConnect: true,
    ...authorityOf(config),
  }).options;
  return { host, port, db, username, password, tls } as RedisOptions;
};

const authorityOf = ({ redisTlsCaFile }: RedisConfig): Pick<RedisOptions, 'tls'> => {
  const ca = redisTlsCaFile();
  return ca === undefined ? {} : { tls: { ca } };
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
