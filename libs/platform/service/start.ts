import { describeConfig, opsSettings, processSettings, readConfig, traceSettings } from '#platform/config';
import type { ConfigOf, Environment } from '#platform/config';
import { codeOf, createLevelSwitch, createLogger } from '#platform/log';
import type { Logger } from '#platform/log';
import { createRegistry } from '#platform/metrics';
import type { Registry } from '#platform/metrics';
import { openTracing } from '#platform/trace';
import { parsed, unparsed } from '#rules';
import type { Parsed } from '#rules';
import { startAll, stopAll } from './component.ts';
import type { Plan } from './component.ts';
import { readServiceConfig } from './definition.ts';
import type { Host, Service } from './definition.ts';
import { createDependencies } from './dependencies.ts';
import { createOpsServer } from './ops-server.ts';
import type { OpsPlugin } from './ops-server.ts';
import { describeBuild } from './build-info.ts';
import { createReadiness } from './readiness.ts';

export interface RunningServices {
  readonly log: Logger;
  readonly opsPort: () => number;
  /** Settles when a component has failed for good; the process should then stop and exit non-zero. */
  readonly failed: Promise<Error>;
  /** Drains within DAKIA_DRAIN_MS; false when something did not stop cleanly. */
  readonly stop: () => Promise<boolean>;
}

/** How often a process that is not ready yet looks whether it is, in ms, also when nobody asks. */
const READY_LOOK_MS = 100;

const baseSettings = { ...processSettings, ...opsSettings, ...traceSettings };

/** Reads the settings of all services at once; every problem is named. */
const readAll = (
  services: readonly Service[],
  environment: Environment,
  onUnusable: (issue: string) => void,
): Parsed<{ readonly base: ConfigOf<typeof baseSettings>; readonly configs: readonly unknown[] }> => {
  const base = readConfig(baseSettings, environment, onUnusable);
  const configs = services.map((service) => readServiceConfig(service, environment, onUnusable));
  const issues = [base, ...configs].flatMap((config) => (config.ok ? [] : config.issues));
  return base.ok && issues.length === 0
    ? parsed({ base: base.value, configs: configs.map((config) => (config.ok ? config.value : undefined)) })
    : unparsed(...new Set(issues));
};

/** There is no log before the settings are read; what becomes of their files later is told to it. */
const createFileWarnings = () => {
  let log: Logger | undefined;
  return {
    onUnusable: (issue: string): void =>
      log?.warn(
        { code: codeOf('config', 'file-unusable'), issues: [issue] },
        'the file of a setting is of no more use; the last good value stays in use',
      ),
    tell: (to: Logger): void => void (log = to),
  };
};

/** How long the process has lived, and how much of that it has worked: what is between the two it has waited. */
const sinceStart = (): { readonly ms: number; readonly cpuMs: number } => {
  const { user, system } = process.cpuUsage();
  return { ms: Math.round(performance.now()), cpuMs: Math.round((user + system) / 1000) };
};

/** What a process has beside its services: the ops port, and what it tells there. */
const createOperations = (name: string, config: ConfigOf<typeof baseSettings>, registry: Registry, log: Logger) => {
  const dependencies = createDependencies(registry);
  const readiness = createReadiness(dependencies.states, () => log.info(sinceStart(), `${name} is ready`));
  const plugins: OpsPlugin[] = [];
  const failure = Promise.withResolvers<Error>();
  const ops = createOpsServer({
    host: config.opsHost,
    port: config.opsPort,
    registry,
    readiness: readiness.report,
    withTraces: config.traceEndpoint !== undefined,
    plugins: () => plugins,
  });
  return {
    ops,
    readiness,
    dependencies,
    failed: failure.promise,
    host: {
      metrics: registry,
      addReadinessCheck: readiness.addCheck,
      watchDependency: dependencies.watch,
      addOpsPlugin: (plugin: OpsPlugin) => void plugins.push(plugin),
      fail: failure.resolve,
    } satisfies Omit<Host<unknown>, 'config' | 'log' | 'tracer' | 'environment'>,
  };
};

/**
 * Starts services in this process: one in a container, all of them under `npm start`. They share one ops server, one
 * metrics registry and one log, which goes to stdout where no other destination is given. Answers with the issues when
 * a setting is wrong; throws when a component does not start.
 */
export const startServices = async (
  name: string,
  services: readonly Service[],
  environment: Environment,
  destination?: { readonly write: (line: string) => void },
): Promise<Parsed<RunningServices>> => {
  const files = createFileWarnings();
  const read = readAll(services, environment, files.onUnusable);
  if (!read.ok) return read;
  const { base, configs } = read.value;

  const log = createLogger(name, base.logLevel, destination);
  files.tell(log);
  const registry = createRegistry({ withNode: true });
  describeBuild(registry);
  const { ops, readiness, dependencies, host, failed } = createOperations(name, base, registry, log);
  const tracing = await openTracing(base, log);
  const lanes = services.map((service, index) =>
    service.build(configs[index], {
      ...host,
      environment,
      log: log.child({ service: service.name }),
      tracer: tracing?.tracerOf(service.name),
    }),
  );
  // Traces stop last: what the others do at their end is sent, too.
  const plan: Plan = { shared: [...(tracing === undefined ? [] : [tracing.component]), ops], services: lanes };

  const settings = Object.assign(
    {},
    baseSettings,
    ...services.map((service) => service.settings),
  ) as typeof baseSettings;
  log.info(
    { settings: describeConfig(settings, environment), services: services.map((service) => service.name) },
    `${name} starts`,
  );
  readiness.expect([...plan.shared, ...lanes.flat()]);
  dependencies.start();
  const looking = setInterval(() => {
    if (readiness.report().status === 'ready') clearInterval(looking);
  }, READY_LOOK_MS).unref();
  const levels = createLevelSwitch(log);
  process.on('SIGUSR2', levels.toggle);
  /** Last of all: without a listener the signal ends a process. */
  const endLevels = (): void => {
    process.off('SIGUSR2', levels.toggle);
    levels.stop();
  };
  const letGo = (): void => {
    clearInterval(looking);
    dependencies.stop();
  };
  try {
    await startAll(plan, log, base.drainMs, readiness);
  } catch (error) {
    letGo();
    endLevels();
    throw error;
  }
  log.info({ opsPort: ops.port() }, `${name} has started`);

  return parsed({
    log,
    opsPort: ops.port,
    failed,
    stop: async () => {
      readiness.drain();
      letGo();
      return stopAll(plan, log, base.drainMs).finally(endLevels);
    },
  });
};
