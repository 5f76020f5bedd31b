import { Queue } from 'bullmq';
import type { Logger } from '#platform/log';
import { createRedis, redisPolicyWarnings, untilReady } from '#platform/redis';
import type { Redis, RedisConfig } from '#platform/redis';
import { backoffMs } from '#platform/time';
import type { QueueConfig } from './contracts.ts';
import { keyPrefixOf } from './names.ts';

/** Longest time in ms that a call waits for Redis. */
export const QUEUE_ANSWER_MS = 5_000;
/** Pauses in ms between two attempts to connect: the first, and the longest. */
const RECONNECT_MS = 100;
const RECONNECT_MS_MAX = 1_000;
/**
 * A connection that owes an answer for this long, in ms, is dead: a
 * server that vanished says nothing. Longer than BullMQ blocks (10 s).
 */
const SOCKET_TIMEOUT_MS = 15_000;

const OPTIONS = {
  socketTimeout: SOCKET_TIMEOUT_MS,
  retryStrategy: (attempt: number): number => backoffMs(attempt, RECONNECT_MS, RECONNECT_MS_MAX, { jitter: 0 }),
  // After a failover the address may still lead to the old master,
  // now a replica: connect anew, and send the command again (2).
  reconnectOnError: (error: Error): 2 | false => (error.message.startsWith('READONLY') ? 2 : false),
} as const;

/** For those who ask and must have an answer soon: nothing is kept in memory while Redis is away. */
export const openAskingRedis = (config: RedisConfig, queue: string, log: Logger): Redis =>
  watched(
    createRedis(config, {
      ...OPTIONS,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 1,
      commandTimeout: QUEUE_ANSWER_MS,
    }),
    queue,
    log,
  );

/** Rejects where Redis is away. */
export const untilAnswering = (client: Redis): Promise<void> => untilReady(client, QUEUE_ANSWER_MS);

/**
 * BullMQ's queue over `client`: it asks Redis for nothing until it is used, and leaves no note of itself there. The
 * client says that Redis is away, once; without a listener BullMQ would print each error.
 */
export const openBullQueue = (client: Redis, config: QueueConfig, name: string): Queue => {
  const queue = new Queue(name, {
    connection: client,
    prefix: keyPrefixOf(config.queuePrefix),
    skipVersionCheck: true,
    skipWaitingForReady: true,
    skipMetasUpdate: true,
  });
  queue.on('error', () => undefined);
  return queue;
};

/** For a worker: its commands wait for Redis to come back, because the outcome of a job that is done must get there. */
export const openWorkerRedis = (config: RedisConfig, queue: string, log: Logger): Redis => {
  const client = watched(
    quietAboutPolicy(createRedis(config, { ...OPTIONS, lazyConnect: false, maxRetriesPerRequest: null })),
    queue,
    log,
  );
  client.on('ready', () => void warnOfPolicy(client, new URL(config.redisUrl()).host, log));
  return client;
};

/** Says once that Redis is away and once that it is back, however often an attempt fails in between. */
const watched = (client: Redis, queue: string, log: Logger): Redis => {
  let away = false;
  client.on('error', (error: Error) => {
    if (away) return;
    away = true;
    log.warn({ err: error, queue }, 'Redis does not answer: what needs this queue waits');
  });
  client.on('ready', () => {
    if (away) log.info({ queue }, 'Redis answers again');
    away = false;
  });
  return client;
};

/** Servers that this process has looked at. */
const examined = new Set<string>();

const warnOfPolicy = async (client: Redis, host: string, log: Logger): Promise<void> => {
  if (examined.has(host)) return;
  examined.add(host);
  try {
    const warnings = await redisPolicyWarnings(client);
    if (warnings.length > 0)
      log.warn(
        { redis: host, warnings },
        `Redis can lose jobs (Dakia finds them again in Postgres, later): ${warnings.join('; ')}`,
      );
  } catch {
    // The connection was lost meanwhile; the next one asks again.
    examined.delete(host);
  }
};

/**
 * BullMQ asks each connection for INFO and prints an unstructured line of its own about eviction. It is not told:
 * `warnOfPolicy` says it once, and says what to do. ioredis itself asks with a callback, which passes.
 */
const quietAboutPolicy = (client: Redis): Redis => {
  const info = client.info.bind(client) as (...given: readonly unknown[]) => Promise<string>;
  const duplicate = client.duplicate.bind(client);
  const quiet = {
    info: (...given: readonly unknown[]) =>
      given.length > 0 ? info(...given) : info().then((text) => text.replace(/^maxmemory_policy:.*\r?\n/m, '')),
    duplicate: (...given: Parameters<typeof duplicate>) => quietAboutPolicy(duplicate(...given)),
  };
  return Object.assign(client, quiet as object);
};
