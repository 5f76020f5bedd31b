import { Redis } from 'ioredis';

/** Keys of one step of a scan. */
const STEP = 500;

/**
 * Deletes every key whose name begins with `prefix`: all queues of
 * one deployment. Works beside others on the same Redis.
 */
export const deleteRedisKeys = async (url: string, prefix: string): Promise<void> => {
  const client = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 1, retryStrategy: () => null });
  client.on('error', () => undefined);
  try {
    await client.connect();
    let cursor = '0';
    do {
      const [next, keys] = await client.scan(
        cursor,
        'MATCH',
        `${prefix.replace(/[[\]*?\\]/g, '\\$&')}*`,
        'COUNT',
        STEP,
      );
      if (keys.length > 0) await client.unlink(...keys);
      cursor = next;
    } while (cursor !== '0');
  } finally {
    client.disconnect();
  }
};
