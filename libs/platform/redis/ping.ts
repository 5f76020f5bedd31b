import { createRedis } from './client.ts';
import type { Redis, RedisConfig } from './client.ts';
import { redisPolicyWarnings } from './policy.ts';

/** Longest time for one command, in ms. */
const COMMAND_TIMEOUT_MS = 3_000;

export interface RedisFinding {
  readonly version: string;
  /** What is wrong with how it keeps its data; see `redisPolicyWarnings`. */
  readonly warnings: readonly string[];
}

/** One connection for one question; rejects with the reason when Redis does not answer or refuses. */
const withRedis = async <Answer>(config: RedisConfig, ask: (client: Redis) => Promise<Answer>): Promise<Answer> => {
  const client = createRedis(config, {
    commandTimeout: COMMAND_TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  // ioredis rejects with "Connection is closed"; the reason comes as an event before.
  let reason: Error | undefined;
  client.on('error', (error: Error) => (reason = error));
  try {
    await client.connect();
    return await ask(client);
  } catch (error) {
    throw reason ?? error;
  } finally {
    client.disconnect();
  }
};

const versionOf = async (client: Redis): Promise<string> =>
  /redis_version:(\S+)/.exec(await client.info('server'))?.[1] ?? 'unknown version';

/** Connects, logs in and asks for the server's version. */
export const pingRedis = (config: RedisConfig): Promise<string> => withRedis(config, versionOf);

/** The same, and whether it keeps its data as queues need it. */
export const examineRedis = (config: RedisConfig): Promise<RedisFinding> =>
  withRedis(config, async (client) => ({
    version: await versionOf(client),
    warnings: await redisPolicyWarnings(client),
  }));
