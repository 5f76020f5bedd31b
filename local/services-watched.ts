import { watch } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from '#platform/config';
import { pause } from '#platform/time';
import { repositoryRoot } from './folders.ts';
import type { StateFolder } from './folders.ts';
import type { Work } from './launch.ts';
import { secondsSince } from './progress.ts';
import type { Report } from './progress.ts';
import { defineServiceProcess } from './service-process.ts';

/** What services are made of. Tests are not, and SQL is applied by a start of all. */
const WATCHED = ['libs', 'services'];
const isCode = (path: string): boolean => path.endsWith('.ts') && !path.endsWith('.test.ts');
/** An editor writes a file in several steps, and a checkout writes many files. */
const SETTLE_MS = 50;
/** In MB: most of what a start makes stays, and is not copied again and again. A twentieth of a restart. */
const YOUNG_MB = 64;

/**
 * All services in one process of their own, stopped and started again at each change of their code. When they end or do
 * not start, the reason is said, and the next change is awaited.
 */
export const startServicesWatched = async (
  opsPort: number,
  environment: Environment,
  folder: StateFolder,
  report: Report,
): Promise<Work> => {
  const services = defineServiceProcess('dakia', 'local/all-services.ts', opsPort, environment, folder, [
    `--max-semi-space-size=${YOUNG_MB}`,
  ]);
  const ended = new AbortController();
  const isOver = (): boolean => ended.signal.aborted;
  let changed: string | undefined;
  let restarting: Promise<void> | undefined;

  const restart = async (): Promise<void> => {
    while (changed !== undefined && !isOver()) {
      const since = performance.now();
      await pause(SETTLE_MS, ended.signal);
      const what = changed;
      changed = undefined;
      try {
        await services.replace();
        report('services', `${what} changed, ready again (${secondsSince(since)})`);
      } catch (error) {
        if (isOver()) return;
        report('services', `${what} changed\n${messageOf(error)}\n  the next change starts them again`);
      }
    }
  };
  const watchers = WATCHED.map((name) =>
    watch(join(repositoryRoot, name), { recursive: true }, (_event, path) => {
      if (path === null || !isCode(path)) return;
      changed = join(name, path);
      restarting ??= restart().finally(() => (restarting = undefined));
    }),
  );
  const end = async (way: 'stop' | 'kill'): Promise<void> => {
    ended.abort();
    for (const watcher of watchers) watcher.close();
    if (way === 'stop') await restarting;
    await services[way]();
  };

  services.onDeath(({ message }) => report('services', `${message}\n  the next change starts them again`));
  await services.start().catch(async (error: unknown) => {
    await end('kill');
    throw error;
  });
  return {
    failed: new Promise(() => undefined),
    stop: async () => {
      await end('stop');
      return true;
    },
    kill: () => end('kill'),
  };
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
