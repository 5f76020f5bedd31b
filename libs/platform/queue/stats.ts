import { pino } from 'pino';
import type { QueueConfig, QueueStats } from './contracts.ts';
import { readQueue } from './queue-stats.ts';
import { keyPrefixOf } from './names.ts';

/**
 * Asks Redis how each queue stands. A queue that nobody has used yet
 * is empty. Rejects with the reason when Redis is away.
 */
export const getQueueStats = async (config: QueueConfig, names: readonly string[]): Promise<readonly QueueStats[]> => {
  const { openAskingRedis, untilAnswering } = await import('./connection.ts');
  const client = openAskingRedis(config, 'queues', pino({ level: 'silent' }));
  try {
    await untilAnswering(client);
    return await Promise.all(
      names.map(async (name) => (await readQueue(client, keyPrefixOf(config.queuePrefix), name)).stats),
    );
  } finally {
    client.disconnect();
  }
};
