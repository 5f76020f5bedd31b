import { createRedis } from '#runtime/redis';
import type { Redis, RedisConfig } from '#runtime/redis';
import type { Logger } from '#runtime/log';

/** Longest time in ms that a call waits for Redis. */
export const QUEUE_ANSWER_MS = 5_000;
/** Longest pause in ms between two attempts to connect; the first ones come faster. */
const RECONNECT_MS_MAX = 1_000;
/** A connection that owes an answer for this long, in ms, is dead: a server that vanished says nothing. Longer than BullMQ blocks (10 s). */
const SOCKET_TIMEOUT_MS = 15_000;

const retryStrategy = (attempt: number): number => Math.min(RECONNECT_MS_MAX, 50 * 2 ** Math.min(attempt, 10));

/** Says once that Redis is away and once that it is back, however often an attempt fails in between. */
const watch = (client: Redis, queue: string, log: Logger): Redis => {
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

/** For those who ask and must have an answer soon: nothing is kept in memory while Redis is away. */
export const openAskingRedis = (config: RedisConfig, queue: string, log: Logger): Redis =>
  watch(createRedis(config, { enableOfflineQueue: false, maxRetriesPerRequest: 1, commandTimeout: QUEUE_ANSWER_MS, socketTimeout: SOCKET_TIMEOUT_MS, retryStrategy }), queue, log);

/** For a worker: its commands wait for Redis to come back, because the outcome of a job that is done must get there. */
export const openWorkerRedis = (config: RedisConfig, queue: string, log: Logger): Redis =>
  watch(createRedis(config, { lazyConnect: false, maxRetriesPerRequest: null, socketTimeout: SOCKET_TIMEOUT_MS, retryStrategy }), queue, log);
