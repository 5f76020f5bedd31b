import { createRedis, untilReady } from './client.ts';
import type { Redis, RedisConfig } from './client.ts';

/** Longest time to connect and for the answer, in ms. */
const ANSWER_WITHIN_MS = 2_500;

/** Asks Redis whether it answers, over a connection that is kept. `ping` rejects with the reason. */
export const createRedisPing = (
  config: RedisConfig,
): { readonly ping: () => Promise<void>; readonly close: () => void } => {
  let client: Redis | undefined;
  const close = (): void => {
    client?.disconnect();
    client = undefined;
  };
  const open = (): Redis => {
    client = createRedis(config, {
      commandTimeout: ANSWER_WITHIN_MS,
      connectTimeout: ANSWER_WITHIN_MS,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
    });
    // The reason also comes as a rejection.
    client.on('error', () => undefined);
    return client;
  };
  return {
    ping: async () => {
      try {
        const asked = client ?? open();
        await untilReady(asked, ANSWER_WITHIN_MS);
        await asked.ping();
      } catch (error) {
        close();
        throw error;
      }
    },
    close,
  };
};
