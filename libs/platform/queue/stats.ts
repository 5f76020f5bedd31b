import { pino } from 'pino';
import { untilReady } from '#platform/redis';
import { openAskingRedis, QUEUE_ANSWER_MS } from './connection.ts';
import type { QueueConfig, QueueStats } from './contracts.ts';
import { readQueue } from './queue-stats.ts';
import { keyPrefixOf } from './names.ts';

/**
 * Asks Redis how each queue stands. A queue that nobody has used yet
 * is empty. Rejects with the reason when Redis is away.
 */
export const getQueueStats = async (config: QueueConfig, names: readonly string[]): Promise<readonly QueueStats[]> => {
  const client = openAskingRedis(config, 'queues', pino({ level: 'silent' }));
  try {
    await untilReady(client, QUEUE_ANSWER_MS);
    return await Promise.all(
      names.map(async (name) => (await readQueue(client, keyPrefixOf(config.queuePrefix), name)).stats),
    );
  } finally {
    client.disconnect();
  }
};
