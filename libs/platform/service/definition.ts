import { readConfig } from '#platform/config';
import type { ConfigOf, Environment, Settings } from '#platform/config';
import type { Logger } from '#platform/log';
import type { Registry } from '#platform/metrics';
import type { Tracer } from '#platform/trace';
import { unparsed } from '#rules';
import type { Parsed } from '#rules';
import type { Component } from './component.ts';
import type { Dependency } from './dependencies.ts';
import type { OpsPlugin } from './ops-server.ts';
import type { ReadinessCheck } from './readiness.ts';

/** What a service is given to build its components from. */
export interface Host<Config> {
  readonly config: Config;
  /** For what is not a setting: variables that a file of the user names. */
  readonly environment: Environment;
  readonly log: Logger;
  /** Metrics of this process. Labels are bounded; never an id. */
  readonly metrics: Registry;
  /** Of this service; undefined where traces are off. */
  readonly tracer: Tracer | undefined;
  /** Adds what must hold, beside the start of all components, before the process is ready for the first time. */
  readonly addReadinessCheck: (check: ReadinessCheck) => void;
  /** Adds a server whose state is shown in /readyz and in the metrics. */
  readonly watchDependency: (dependency: Dependency) => void;
  /** Serves more on the ops port; to be called while components are built. A path can be taken once in a process. */
  readonly addOpsPlugin: (plugin: OpsPlugin) => void;
  /** Ends the process after a drain: for what cannot go on, such as a Kafka client that has crashed for good. */
  readonly fail: (error: Error) => void;
}

/** All that differs from service to service. */
export interface ServiceDefinition<Of extends Settings = Settings> {
  readonly name: string;
  readonly settings: Of;
  /**
   * What is wrong with the settings taken together, in words for a
   * person; reported like a single setting that is wrong.
   */
  readonly check?: (config: ConfigOf<Of>, environment: Environment) => readonly string[];
  /** In order of start; stopped in reverse. */
  readonly components: (host: Host<ConfigOf<Of>>) => readonly Component[];
}

/** A definition whose settings' types are closed over, so that different services can stand in one list. */
export interface Service {
  readonly name: string;
  readonly settings: Settings;
  readonly check: (config: unknown, environment: Environment) => readonly string[];
  readonly build: (config: unknown, host: Omit<Host<unknown>, 'config'>) => readonly Component[];
}

export const defineService = <Of extends Settings>(definition: ServiceDefinition<Of>): Service => ({
  name: definition.name,
  settings: definition.settings,
  check: (config, environment) => definition.check?.(config as ConfigOf<Of>, environment) ?? [],
  build: (config, host) => definition.components({ ...host, config: config as ConfigOf<Of> }),
});

/** A service's settings: each by itself, then all together. */
export const readServiceConfig = (
  service: Service,
  environment: Environment,
  onUnusable?: (issue: string) => void,
): Parsed<unknown> => {
  const config = readConfig(service.settings, environment, onUnusable);
  const issues = config.ok ? service.check(config.value, environment) : [];
  return issues.length > 0 ? unparsed(...issues) : config;
};
