import type { Environment } from '#platform/config';
import type { Service } from '#platform/service';
import type { StateFolder } from './folders.ts';
import { StoppedWhileStarting } from './launch-failure.ts';
import type { Work } from './launch.ts';
import { secondsSince } from './progress.ts';
import type { Report } from './progress.ts';
import type { Server } from './server-process.ts';
import { defineServiceProcess } from './service-process.ts';
import { supervise } from './supervise.ts';

/**
 * Every service as a process of its own with an ops port of its own, started again when it ends, as Kubernetes would.
 */
export const startServicesApart = async (
  services: readonly Service[],
  opsPorts: Readonly<Record<string, number>>,
  environment: Environment,
  folder: StateFolder,
  report: Report,
  signal: AbortSignal,
): Promise<Work> => {
  const processes = services.map(({ name }) =>
    defineServiceProcess(name, `services/${name}/main.ts`, opsPorts[name] ?? 0, environment, folder),
  );
  const stopped = new AbortController();
  const stop = async (): Promise<boolean> => {
    stopped.abort();
    await Promise.all(processes.map((service) => service.stop()));
    return true;
  };
  const start = async (service: Server): Promise<void> => {
    const started = performance.now();
    await service.start();
    report(
      service.name,
      `ready, process ${service.pid()}, health and metrics on port ${opsPorts[service.name] ?? 0} ` +
        `(${secondsSince(started)})`,
    );
    supervise(service, report, stopped.signal);
  };
  const cut = (): void => void stop();
  signal.addEventListener('abort', cut);
  const failure = (await Promise.allSettled(processes.map(start))).find((outcome) => outcome.status === 'rejected');
  signal.removeEventListener('abort', cut);
  if (failure !== undefined || signal.aborted) {
    await stop();
    throw signal.aborted ? new StoppedWhileStarting('the start was cut short') : failure?.reason;
  }
  return {
    // A service that ends is started again; none of them ends the launcher.
    failed: new Promise(() => undefined),
    stop,
    kill: async () => {
      stopped.abort();
      await Promise.all(processes.map((service) => service.kill()));
    },
  };
};
