import { join } from 'node:path';
import { opsSettings, processSettings, readConfig } from '#platform/config';
import type { Environment } from '#platform/config';
import { codeOf } from '#platform/log';
import type { Service } from '#platform/service';
import { repositoryRoot } from './folders.ts';
import type { StateFolder } from './folders.ts';
import { LaunchFailure, StoppedWhileStarting } from './launch-failure.ts';
import type { Work } from './launch.ts';
import { LOOPBACK } from './ports.ts';
import { secondsSince } from './progress.ts';
import type { Report } from './progress.ts';
import { defineServer } from './server-process.ts';
import type { Server } from './server-process.ts';
import { supervise } from './supervise.ts';

const READY_WITHIN_MS = 60_000;
const ANSWER_WITHIN_MS = 1_000;
/** Beyond the drain that a service allows itself. */
const STOP_MARGIN_MS = 3_000;
const nodeFlags = ['--disable-warning=TimeoutNegativeWarning', '--disable-warning=ExperimentalWarning'];

const isReady = async (port: number): Promise<boolean> => {
  try {
    return (await fetch(`http://${LOOPBACK}:${port}/readyz`, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) })).ok;
  } catch {
    return false;
  }
};

/** Every service as a process of its own with an ops port of its own, started again when it ends, as Kubernetes would. */
export const startServicesApart = async (
  services: readonly Service[],
  opsPorts: Readonly<Record<string, number>>,
  environment: Environment,
  folder: StateFolder,
  report: Report,
  signal: AbortSignal,
): Promise<Work> => {
  const read = readConfig({ ...processSettings, ...opsSettings }, environment);
  if (!read.ok) throw new LaunchFailure(codeOf('start', 'settings'), read.issues.join('\n'));
  const processes = services.map(({ name }): Server => {
    const opsPort = opsPorts[name] ?? 0;
    return defineServer(
      {
        name,
        kind: 'service',
        command: process.execPath,
        args: [...nodeFlags, join(repositoryRoot, 'services', name, 'main.ts')],
        cwd: repositoryRoot,
        env: { ...environment, DAKIA_OPS_PORT: String(opsPort) },
        ready: () => isReady(opsPort),
        readyWithinMs: READY_WITHIN_MS,
        stopSignal: 'SIGTERM',
        stopWithinMs: read.value.drainMs + STOP_MARGIN_MS,
      },
      folder,
    );
  });
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
      `ready, process ${service.pid()}, health and metrics on port ${opsPorts[service.name] ?? 0} (${secondsSince(started)})`,
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
