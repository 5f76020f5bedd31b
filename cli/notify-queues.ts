import type { JobPriority } from '#catalogue';
import { createLogger } from '#platform/log';
import { notifyQueueOf, openQueue } from '#platform/queue';
import type { JobQueue, QueueConfig } from '#platform/queue';
import { exitCodes, messageOf, print, printJson, warn } from './output.ts';
import { printChanges } from './picture.ts';
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

/** What came of making notifications pending. */
interface Planned {
  readonly ok: boolean;
  readonly count: number;
  /** Dealt with by somebody else in between. */
  readonly meanwhile: number;
  readonly changes: Changes | undefined;
  /** Why Redis did not take the jobs; undefined when it did. */
  readonly silent: string | undefined;
}

/** Ends a command that acted: sets the exit code, and prints one JSON object, or `said` and what else there is to say. */
export const endPlanned = (
  { ok, count, meanwhile, changes, silent }: Planned,
  { json, said }: { readonly json: boolean; readonly said: string },
): void => {
  if (!ok) process.exitCode = exitCodes.notAsExpected;
  if (json)
    return printJson({
      ok,
      executed: true,
      count,
      ...(changes !== undefined && { changes }),
      ...(silent !== undefined && { redis: silent }),
    });
  printChanges(changes);
  print(said);
  if (meanwhile > 0) print(`${meanwhile} done meanwhile`);
  if (silent !== undefined)
    warn(`Redis did not answer (${silent}): they go as soon as the notifier's sweep finds them, which needs Redis.`);
};
