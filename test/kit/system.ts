import { startServices } from '#platform/service';
import type { RunningServices, Service } from '#platform/service';
import { allServices } from '../../services/services.ts';
import type { ServerAddresses } from './servers.ts';
import { createSystemFixture } from './system-fixture.ts';
import type { SystemFixture } from './system-fixture.ts';

/** Dakia in this process, as `npm start` runs it: every service, one ops port, one log. */
export interface System extends SystemFixture {
  /** Starts what `stop` has stopped, on the same database, topics and port. `services`: only those. */
  readonly start: (services?: readonly Service[]) => Promise<void>;
  readonly stop: () => Promise<void>;
  /** `headers` of the scrape. */
  readonly metrics: (headers?: Readonly<Record<string, string>>) => Promise<string>;
  /** Of health and metrics; drawn anew at each start. */
  readonly opsPort: () => number;
}

export interface SystemOptions {
  /** Environment variables on top of the usual ones. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Other servers than those that all tests share. */
  readonly addresses?: ServerAddresses;
}

export const startSystem = async ({ settings, addresses }: SystemOptions = {}): Promise<System> => {
  const fixture = await createSystemFixture(addresses, settings);
  let running: RunningServices | undefined;

  const start = async (services: readonly Service[] = allServices): Promise<void> => {
    const started = await startServices('dakia', services, fixture.environment, { write: fixture.log.take('dakia') });
    if (!started.ok) throw new Error(started.issues.join('; '));
    running = started.value;
    void running.failed.then((error) =>
      fixture.log.take('dakia')(`a service cannot go on: ${error.stack ?? error.message}\n`),
    );
  };
  const stop = async (): Promise<void> => {
    const stopping = running;
    running = undefined;
    if (stopping !== undefined && !(await stopping.stop()))
      throw new Error(`the services did not stop cleanly\n${fixture.log.tail()}`);
  };

  try {
    await start();
  } catch (error) {
    await fixture.close();
    throw error;
  }
  return {
    ...fixture,
    start,
    stop,
    opsPort: () => running?.opsPort() ?? 0,
    metrics: async (headers = {}) =>
      (await fetch(`http://127.0.0.1:${running?.opsPort() ?? 0}/metrics`, { headers })).text(),
    close: async () => {
      await stop();
      await fixture.close();
    },
  };
};

/** Longer than the waits of a SystemFixture, so that they say what did not come. */
const TEST_LIMIT_MS = 40_000;

/** `test` of jest; when one fails, what the services have logged is shown. */
export const testsOf =
  (system: () => Pick<SystemFixture, 'log'>) =>
  (name: string, work: () => Promise<void>, limitMs = TEST_LIMIT_MS): void =>
    test(
      name,
      async () => {
        try {
          await work();
        } catch (error) {
          process.stderr.write(`${name}: the services logged\n${system().log.tail()}\n`);
          throw error;
        }
      },
      limitMs,
    );
