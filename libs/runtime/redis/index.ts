export type { RedisConfig } from './ping.ts';
export { pingRedis } from './ping.ts';
