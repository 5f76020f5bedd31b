import type { Registry } from 'prom-client';
import type { ConfigOf, Settings } from '#runtime/config';
import type { Logger } from '#runtime/log';
import type { ReadinessCheck } from './ops-server.ts';
import type { Component } from './component.ts';

/** What a service is given to build its components from. */
export interface Host<Config> {
  readonly config: Config;
  readonly log: Logger;
  /** Metrics of this process. Labels are bounded; never an id. */
  readonly metrics: Registry;
  /** Adds a reason why the process may not be ready; asked on every /readyz. */
  readonly addReadinessCheck: (check: ReadinessCheck) => void;
  /** Ends the process after a drain: for what cannot go on, such as a Kafka client that has crashed for good. */
  readonly fail: (error: Error) => void;
}

/** All that differs from service to service. */
export interface ServiceDefinition<Of extends Settings = Settings> {
  readonly name: string;
  readonly settings: Of;
  /** In order of start; stopped in reverse. */
  readonly components: (host: Host<ConfigOf<Of>>) => readonly Component[];
}

/** A definition whose settings' types are closed over, so that different services can stand in one list. */
export interface Service {
  readonly name: string;
  readonly settings: Settings;
  readonly build: (config: unknown, host: Omit<Host<unknown>, 'config'>) => readonly Component[];
}

export const defineService = <Of extends Settings>(definition: ServiceDefinition<Of>): Service => ({
  name: definition.name,
  settings: definition.settings,
  build: (config, host) => definition.components({ ...host, config: config as ConfigOf<Of> }),
});
