import { processEnvironment } from '#platform/config';
import { codeOf } from '#platform/log';
import { readServiceConfig } from './definition.ts';
import type { Service } from './definition.ts';
import { startServices } from './start.ts';

/** Exit codes: 0 a clean stop, 1 a failure, 78 a wrong setting (EX_CONFIG of sysexits.h). */
const EXIT_FAILED = 1;
const EXIT_SETTINGS = 78;

const nextSignal = (): Promise<NodeJS.Signals> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, resolve);
  });

/**
 * The whole of every main.ts: read settings, start, wait for a signal or a failure, drain, exit. `--check-config` stops
 * after the settings. A second signal ends the process at once.
 */
export const runService = async (service: Service): Promise<never> =>
  process.argv.includes('--check-config') ? checkConfig(service) : runServices(service.name, [service]);

/** The same for several services in one process. */
export const runServices = async (name: string, services: readonly Service[]): Promise<never> => {
  const stopped = nextSignal();
  const started = await startServices(name, services, processEnvironment());
  if (!started.ok) return refuse(name, started.issues);
  const { log, stop, failed } = started.value;

  const cause = await Promise.race([stopped, failed]);
  if (cause instanceof Error) log.fatal({ code: codeOf('run', 'cannot-go-on'), err: cause }, `${name} cannot go on`);
  else log.info({ signal: cause }, `${name} drains`);
  void nextSignal().then(() => process.exit(EXIT_FAILED));
  const clean = await stop();
  log.info({ clean }, `${name} has stopped`);
  process.exit(cause instanceof Error || !clean ? EXIT_FAILED : 0);
};

const checkConfig = (service: Service): never => {
  const config = readServiceConfig(service, processEnvironment());
  if (!config.ok) return refuse(service.name, config.issues);
  process.stdout.write(`${service.name}: all settings can be used\n`);
  process.exit(0);
};

const refuse = (name: string, issues: readonly string[]): never => {
  const lines = issues.map((issue) => `  ${issue}\n`).join('');
  process.stderr.write(`${name} cannot start with these settings (${codeOf('start', 'settings')}):\n${lines}`);
  process.exit(EXIT_SETTINGS);
};
