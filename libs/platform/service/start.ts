import promClient from 'prom-client';
import { describeConfig, opsSettings, processSettings, readConfig } from '#platform/config';
import type { Environment } from '#platform/config';
import { createLogger } from '#platform/log';
import type { Logger } from '#platform/log';
import { parsed, unparsed } from '#rules';
import type { Parsed } from '#rules';
import { startAll, stopAll } from './component.ts';
import type { Component } from './component.ts';
import { readServiceConfig } from './definition.ts';
import type { Service } from './definition.ts';
import { createOpsServer } from './ops-server.ts';
import type { OpsPlugin, ReadinessCheck } from './ops-server.ts';

export interface RunningServices {
  readonly log: Logger;
  readonly opsPort: () => number;
  /** Settles when a component has failed for good; the process should then stop and exit non-zero. */
  readonly failed: Promise<Error>;
  /** Drains within DAKIA_DRAIN_MS; false when something did not stop cleanly. */
  readonly stop: () => Promise<boolean>;
}

const baseSettings = { ...processSettings, ...opsSettings };

/** Reads the settings of all services at once; every problem is named. */
const readAll = (services: readonly Service[], environment: Environment): Parsed<readonly unknown[]> => {
  const configs = services.map((service) => readServiceConfig(service, environment));
  const issues = configs.flatMap((config) => (config.ok ? [] : config.issues));
  return issues.length > 0
    ? unparsed(...new Set(issues))
    : parsed(configs.map((config) => (config.ok ? config.value : undefined)));
};

/**
 * Starts services in this process: one in a container, all of them under `npm start`. They share one ops server, one metrics
 * registry and one log, which goes to stdout where no other destination is given. Answers with the issues when a setting is wrong;
 * throws when a component does not start.
 */
export const startServices = async (
  name: string,
  services: readonly Service[],
  environment: Environment,
  destination?: { readonly write: (line: string) => void },
): Promise<Parsed<RunningServices>> => {
  const base = readConfig(baseSettings, environment);
  const configs = readAll(services, environment);
  if (!base.ok || !configs.ok)
    return unparsed(...new Set([...(base.ok ? [] : base.issues), ...(configs.ok ? [] : configs.issues)]));

  const log = createLogger(name, base.value.logLevel, destination);
  const registry = new promClient.Registry();
  promClient.collectDefaultMetrics({ register: registry });
  const checks: ReadinessCheck[] = [];
  const plugins: OpsPlugin[] = [];
  const failure = Promise.withResolvers<Error>();
  const host = {
    environment,
    metrics: registry,
    addReadinessCheck: (check: ReadinessCheck) => void checks.push(check),
    addOpsPlugin: (plugin: OpsPlugin) => void plugins.push(plugin),
    fail: failure.resolve,
  };

  let draining = false;
  checks.push(() => (draining ? 'draining' : undefined));
  const ops = createOpsServer({
    host: base.value.opsHost,
    port: base.value.opsPort,
    registry,
    checks: () => checks,
    plugins: () => plugins,
  });
  const parts = services.flatMap((service, index) =>
    service.build(configs.value[index], { ...host, log: log.child({ service: service.name }) }),
  );
  const components: readonly Component[] = [ops, ...parts];

  const settings = Object.assign(
    {},
    baseSettings,
    ...services.map((service) => service.settings),
  ) as typeof baseSettings;
  log.info(
    { settings: describeConfig(settings, environment), services: services.map((service) => service.name) },
    `${name} starts`,
  );
  await startAll(components, log, base.value.drainMs);
  log.info({ opsPort: ops.port() }, `${name} is ready`);

  return parsed({
    log,
    opsPort: ops.port,
    failed: failure.promise,
    stop: async () => {
      draining = true;
      return stopAll(components, log, base.value.drainMs);
    },
  });
};
