import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { allServices } from '../../services/services.ts';
import { eventually } from './eventually.ts';
import { ROOT } from './root.ts';
import type { ServerAddresses } from './servers.ts';
import { createSystemFixture, NODE_FLAGS } from './system-fixture.ts';
import type { SystemFixture } from './system-fixture.ts';

/** One service as a process of its own, run as a container runs it. */
export interface ServiceProcess {
  readonly name: string;
  /** Sends a signal; SIGKILL also waits for the end. */
  readonly signal: (signal: NodeJS.Signals) => Promise<void>;
  /** Starts it again after its end, and waits until it is ready. */
  readonly restart: () => Promise<void>;
  readonly isRunning: () => boolean;
}

/** Dakia with every service as a process of its own. Nothing starts a service again but the test. */
export interface SeparateSystem extends SystemFixture {
  readonly service: (name: string) => ServiceProcess;
  /** A second process of a service beside the first; `environment` on top of the usual one. */
  readonly another: (
    name: string,
    as: string,
    environment?: Readonly<Record<string, string>>,
  ) => Promise<ServiceProcess>;
  /** Services that ended without being asked to, and how. */
  readonly deaths: () => readonly string[];
}

const SERVICES = allServices.map(({ name }) => name);
/** A dozen processes start at once on two cores, which others may use as well. */
const READY_WITHIN_MS = 180_000;
const ENDED_WITHIN_MS = 10_000;
const STOPPED_WITHIN_MS = 30_000;

/** `settings`: environment variables of every service on top of the usual ones. */
export const startSeparateSystem = async (
  addresses?: ServerAddresses,
  settings?: Readonly<Record<string, string>>,
): Promise<SeparateSystem> => {
  const fixture = await createSystemFixture(addresses, settings);
  const deaths: string[] = [];
  const processes = new Map<string, ServiceProcess & { readonly stop: () => Promise<void> }>();

  const define = (name: string, as: string, environment: Readonly<Record<string, string>> = {}) => {
    let child: ChildProcess | undefined;
    const isRunning = (): boolean => child !== undefined && child.exitCode === null && child.signalCode === null;
    const signal = async (which: NodeJS.Signals): Promise<void> => {
      asked ||= which === 'SIGKILL' || which === 'SIGTERM';
      child?.kill(which);
      if (which === 'SIGKILL') await eventually(`${as} has ended`, () => !isRunning(), ENDED_WITHIN_MS);
    };
    let asked = false;
    const start = async (): Promise<void> => {
      asked = false;
      const started = spawn(process.execPath, [...NODE_FLAGS, join(ROOT, 'services', name, 'main.ts')], {
        env: { PATH: process.env['PATH'] ?? '', ...fixture.environment, ...environment },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      child = started;
      let ready = false;
      for (const stream of [started.stdout, started.stderr]) {
        const take = fixture.log.take(as);
        stream.setEncoding('utf8').on('data', (piece: string) => {
          take(piece);
          ready ||= piece.includes(`${name} is ready`);
        });
      }
      started.once('exit', (code, by) => {
        if (!asked) deaths.push(`${as} ended by itself: ${by ?? `exit code ${code ?? 0}`}`);
      });
      await eventually(
        `${as} is ready`,
        () => ready || (!isRunning() && Promise.reject(new Error(`${as} has ended`))),
        READY_WITHIN_MS,
      );
    };
    const service = {
      name: as,
      signal,
      restart: start,
      isRunning,
      stop: async () => {
        if (!isRunning()) return;
        await signal('SIGTERM');
        await signal('SIGCONT');
        await eventually(`${as} has stopped`, () => !isRunning(), STOPPED_WITHIN_MS);
      },
    };
    processes.set(as, service);
    return service;
  };
  const stopAll = async (): Promise<void> => {
    const failures = (await Promise.allSettled([...processes.values()].map(async (service) => service.stop()))).filter(
      ({ status }) => status === 'rejected',
    );
    if (failures.length === 0) return;
    await Promise.all([...processes.values()].map(async (service) => service.signal('SIGKILL')));
    throw new Error(`${failures.length} services did not stop when asked to\n${fixture.log.tail()}`);
  };
  const service: SeparateSystem['service'] = (name) => {
    const found = processes.get(name);
    if (found === undefined) throw new Error(`there is no service process ${name}`);
    return found;
  };

  try {
    await Promise.all(SERVICES.map(async (name) => define(name, name).restart()));
  } catch (error) {
    process.stderr.write(`the services logged\n${fixture.log.tail()}\n`);
    await stopAll();
    await fixture.close();
    throw error;
  }
  return {
    ...fixture,
    service,
    another: async (name, as, environment) => {
      const added = define(name, as, environment);
      await added.restart();
      return added;
    },
    deaths: () => deaths,
    close: async () => {
      try {
        await stopAll();
      } finally {
        await fixture.close();
      }
    },
  };
};
