export type { Redis, RedisConfig } from './client.ts';
export { createRedis, untilReady } from './client.ts';
export { createRedisPing } from './kept-ping.ts';
export { examineRedis, pingRedis } from './ping.ts';
export { redisPolicyWarnings } from './policy.ts';
