import type { JobPriority } from '#catalogue';
import { createLogger } from '#platform/log';
import { notifyQueueOf, openQueue } from '#platform/queue';
import type { JobQueue, QueueConfig } from '#platform/queue';
import { messageOf, printJson } from './output.ts';
import type { Changes } from './picture.ts';

/** A notification whose row waits: what its job is made of. */
interface Waiting {
  readonly id: string;
  readonly destination: string;
  readonly priority: JobPriority;
  /** In ms from now; 0 unless given. */
  readonly delayMs?: number;
}

/**
 * Schedules the jobs of what was made pending; tells afterwards
 * whether Redis took them. Postgres already knows, so nothing is lost.
 */
export const openScheduler = (config: QueueConfig) => {
  const queues = new Map<string, JobQueue>();
  const log = createLogger('dakia', 'silent');
  let silent: string | undefined;
  return {
    schedule: async (those: readonly Waiting[]): Promise<void> => {
      if (silent !== undefined) return;
      try {
        for (const [destination, own] of Map.groupBy(those, (one) => one.destination)) {
          const queue = queues.get(destination) ?? openQueue(config, notifyQueueOf(destination), log);
          queues.set(destination, queue);
          await queue.renew(own.map(({ id, priority, delayMs = 0 }) => ({ id, data: { id }, priority, delayMs })));
        }
      } catch (error) {
        silent = messageOf(error);
      }
    },
    close: async (): Promise<string | undefined> => {
      await Promise.allSettled([...queues.values()].map(async (queue) => queue.close()));
      return silent;
    },
  };
};

export const silentInWords = (reason: string): string =>
  `Redis did not answer (${reason}): they go as soon as the notifier's sweep finds them, which needs Redis.`;

/** What came of it with --json. `silent`: why Redis did not take the jobs. */
export const printPlanned = ({
  silent,
  changes,
  ...others
}: {
  readonly ok: boolean;
  readonly count: number;
  readonly changes: Changes | undefined;
  readonly silent: string | undefined;
}): void =>
  printJson({
    ...others,
    executed: true,
    ...(changes !== undefined && { changes }),
    ...(silent !== undefined && { redis: silent }),
  });
