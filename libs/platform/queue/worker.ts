import type { Component } from '#platform/service';
import { now, pause, within } from '#platform/time';
import type { Instant } from '#rules';
import type { BullWorker, openBullWorker } from './bull-worker.ts';
import type { WorkerOptions } from './contracts.ts';
import { queueMetricsOf } from './metrics.ts';
import { createStuckCheck } from './stuck-check.ts';

/** Pause in ms between two looks at the worker. */
const WATCH_EVERY_MS = 5_000;
/** A worker that was replaced gets this long, in ms, for the jobs it still has. */
const REPLACED_MS = 60_000;

/**
 * The doing side of a queue: takes the most important job that is due, does it and says what became of it. Starts at
 * once, whether Redis is there or not; a worker that does not come back after an outage is replaced.
 */
export const createWorker = (options: WorkerOptions): Component => {
  const { config, queue, log } = options;
  const metrics = queueMetricsOf(options.metrics);
  const stopped = new AbortController();
  let current: BullWorker | undefined;
  const leaving = new Set<Promise<void>>();

  const replace = (stuck: BullWorker, open: typeof openBullWorker): BullWorker => {
    log.warn({ queue }, 'the worker took no job although some are due: it is replaced');
    const gone = stuck
      .close(REPLACED_MS)
      .catch((error: unknown) => log.warn({ err: error, queue }, 'the worker that was replaced did not close cleanly'));
    leaving.add(gone);
    void gone.then(() => leaving.delete(gone));
    return open(options, metrics);
  };

  const watch = async (open: typeof openBullWorker): Promise<void> => {
    let isStuck = createStuckCheck();
    for (;;) {
      await pause(WATCH_EVERY_MS, stopped.signal, { ref: false });
      const watched = current;
      if (watched === undefined) return;
      const snapshot = await watched.snapshot();
      const answersOthers = snapshot === undefined && (await answers(config));
      if (
        stopped.signal.aborted ||
        !isStuck({
          at: performance.now(),
          queue: snapshot,
          answersOthers,
          takenAt: watched.takenAt(),
          isBusy: watched.isBusy(),
        })
      )
        continue;
      current = replace(watched, open);
      isStuck = createStuckCheck();
    }
  };

  let stopScraping = (): void => undefined;
  return {
    name: `worker of ${queue}`,
    start: async () => {
      // Loaded only now, as in queue.ts.
      const { openBullWorker: open } = await import('./bull-worker.ts');
      current = open(options, metrics);
      stopScraping = metrics.onScrape(queue, async () => (await current?.snapshot())?.stats);
      void watch(open);
    },
    stop: async (deadline: Instant) => {
      stopped.abort();
      stopScraping();
      const last = current;
      current = undefined;
      await last?.close(Math.max(0, deadline - now()));
      await within(deadline - now(), Promise.all(leaving));
    },
  };
};

const answers = async (config: WorkerOptions['config']): Promise<boolean> => {
  try {
    const { pingRedis } = await import('#platform/redis');
    await pingRedis(config);
    return true;
  } catch {
    return false;
  }
};
