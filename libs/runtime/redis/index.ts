export type { Redis, RedisConfig } from './client.ts';
export { createRedis, untilReady } from './client.ts';
export { pingRedis } from './ping.ts';
