import { existsSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { readConfig } from '#platform/config';
import type { Environment } from '#platform/config';
import { codeOf } from '#platform/log';
import { addressNames, givenAddresses, writeOwnAddresses } from './addresses.ts';
import type { AddressName, ServerAddresses } from './addresses.ts';
import { startCompose } from './compose.ts';
import { stateFolder } from './folders.ts';
import type { StateFolder } from './folders.ts';
import { startKafka } from './kafka.ts';
import { LaunchFailure, StoppedWhileStarting } from './launch-failure.ts';
import { claim, launcherRuns, markLauncher, reap, releaseClaim } from './pid-files.ts';
import { requireFree } from './ports.ts';
import type { PortNeed } from './ports.ts';
import { removeRefuge } from './postgres-account.ts';
import { passwordOf, startPostgres } from './postgres.ts';
import { silent } from './progress.ts';
import type { Report } from './progress.ts';
import { startRedis } from './redis.ts';
import { startRegistry } from './registry.ts';
import { serverFiles } from './server-files.ts';
import type { Death, Server } from './server-process.ts';
import { embeddedSettings } from './settings.ts';
import type { ServerPorts } from './settings.ts';
import { startAgain } from './supervise.ts';

export interface StartServersOptions {
  /** State folder; made when missing. One launcher at a time owns it. */
  readonly dataDir: string;
  /** Gives addresses of servers that are not to be started, and ports: see `embeddedSettings`. */
  readonly environment: Environment;
  /**
   * `free` takes any free ports, for tests that run beside other
   * stacks; `configured`, the default, those of the settings.
   */
  readonly ports?: 'configured' | 'free';
  /** `docker` runs the images of deploy/compose.yaml, `maven`, the default, the processes of local/pom.xml. */
  readonly source?: 'maven' | 'docker';
  /**
   * For tests: the folder is removed at the stop, and Postgres does
   * not wait for the disk. Its parent must hold only such folders.
   */
  readonly temporary?: boolean;
  readonly report?: Report;
  /** Aborting cuts a start short; what had started is stopped. */
  readonly signal?: AbortSignal;
  /** Further ports that the caller is about to use: refused together with the servers', before anything is started. */
  readonly portNeeds?: readonly PortNeed[];
}

export interface RunningServers {
  readonly addresses: ServerAddresses;
  /** Which of them are ours, as processes or in containers; the environment gave the others. */
  readonly own: readonly AddressName[];
  readonly folder: StateFolder;
  /** Those that were started here as processes, by address; none for those that the environment gave. */
  readonly servers: Readonly<Partial<Record<AddressName, Server>>>;
  /** A server that ended without being asked to, and did not come back or ended too often; see `startAgain`. */
  readonly died: Promise<Death>;
  /** Tells a later start to wait for this one instead of refusing. */
  announceStop(): void;
  /** Stops all of them and gives the state folder free. */
  stop(): Promise<void>;
  /** SIGKILL to all of them, for the impatient. */
  kill(): Promise<void>;
}

/** All four servers, except those whose address the environment gives. Either all are ready or none is left running. */
export const startServers = async (options: StartServersOptions): Promise<RunningServers> => {
  const { environment, report = silent, temporary = false } = options;
  const ports = portsOf(options);
  const given = givenAddresses(environment);
  if (temporary) await sweepTemporary(options.dataDir, report);
  const folder = stateFolder(options.dataDir);
  await claim(folder.pids, folder.root, report);
  const servers: Partial<Record<AddressName | 'compose', Server>> = {};
  const all = (work: (server: Server) => Promise<void>) => Promise.all(Object.values(servers).map(work));
  const stop = async (): Promise<void> => {
    await all((server) => server.stop());
    releaseClaim(folder.pids);
    if (temporary) removeState(folder.root);
  };
  try {
    await requireFree([...(options.portNeeds ?? []), ...portNeedsOf(ports, given)]);
    for (const name of Object.keys(given)) report('given', `${name} is set: that server is used, none is started`);
    const addresses = await launchAll({ ...options, report, temporary, folder, ports, given, servers });
    writeOwnAddresses(
      folder.root,
      Object.fromEntries(addressNames.flatMap((name) => (given[name] === undefined ? [[name, addresses[name]]] : []))),
    );
    return {
      addresses,
      own: ownOf(given),
      folder,
      servers,
      died: new Promise((resolve) => Object.values(servers).forEach((server) => startAgain(server, report, resolve))),
      announceStop: () => markLauncher(folder.pids, true),
      stop,
      kill: async () => void (await all((server) => server.kill())),
    };
  } catch (error) {
    await stop();
    throw error;
  }
};

/** What is started, whatever it is started with; the others are somebody else's. */
export const ownOf = (given: Partial<ServerAddresses>): readonly AddressName[] =>
  addressNames.filter((name) => given[name] === undefined);

const portsOf = ({ environment, ports }: StartServersOptions): ServerPorts => {
  if (ports === 'free') return { kafkaPort: 0, kafkaControllerPort: 0, registryPort: 0, postgresPort: 0, redisPort: 0 };
  const read = readConfig(embeddedSettings, environment);
  if (!read.ok) throw new LaunchFailure(codeOf('start', 'settings'), read.issues.join('\n'));
  return read.value;
};

/** What will be listened on, for those servers that are started. 0 is left out: a free port is drawn later. */
export const portNeedsOf = (ports: ServerPorts, given: Partial<ServerAddresses>): readonly PortNeed[] => {
  const { kafkaPort, kafkaControllerPort, registryPort, postgresPort, redisPort } = embeddedSettings;
  const needs: readonly (PortNeed & { readonly address: AddressName })[] = [
    { address: 'KAFKA_BROKERS', port: ports.kafkaPort, usedBy: 'Kafka', setting: kafkaPort.env },
    {
      address: 'KAFKA_BROKERS',
      port: ports.kafkaControllerPort,
      usedBy: "Kafka's controller",
      setting: kafkaControllerPort.env,
    },
    {
      address: 'SCHEMA_REGISTRY_URL',
      port: ports.registryPort,
      usedBy: 'the schema registry',
      setting: registryPort.env,
    },
    { address: 'DATABASE_URL', port: ports.postgresPort, usedBy: 'Postgres', setting: postgresPort.env },
    { address: 'REDIS_URL', port: ports.redisPort, usedBy: 'Redis', setting: redisPort.env },
  ];
  return needs.filter(({ address, port }) => given[address] === undefined && port !== 0);
};

interface LaunchContext {
  readonly folder: StateFolder;
  readonly ports: ServerPorts;
  readonly given: Partial<ServerAddresses>;
  readonly report: Report;
  readonly temporary: boolean;
  readonly signal?: AbortSignal;
  /** Filled as soon as a server's process exists, so that a stop finds it. */
  readonly servers: Partial<Record<AddressName | 'compose', Server>>;
  readonly source?: 'maven' | 'docker';
}

const launchAll = async ({ signal, ...context }: LaunchContext): Promise<ServerAddresses> => {
  const missing = ownOf(context.given);
  if (missing.length === 0) return context.given as ServerAddresses;
  const launches =
    context.source === 'docker'
      ? [launchContainers(missing, context)]
      : await launchProcesses(missing, context, signal);
  const aborted = (): void => void Promise.all(Object.values(context.servers).map((server) => server.stop()));
  signal?.addEventListener('abort', aborted);
  // Settled and not all: when one fails, the others must have become stoppable before the caller stops them.
  const outcomes = await Promise.allSettled(launches);
  signal?.removeEventListener('abort', aborted);
  if (signal?.aborted === true) throw new StoppedWhileStarting('the start was cut short');
  const addresses: Partial<ServerAddresses> = { ...context.given };
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') throw outcome.reason;
    Object.assign(addresses, outcome.value);
  }
  return addresses as ServerAddresses;
};

const launchContainers = (
  wanted: readonly AddressName[],
  { folder, ports, report, servers }: LaunchContext,
): Promise<Partial<ServerAddresses>> =>
  startCompose({ folder, ports, wanted, report, onDefined: (server) => void (servers.compose = server) });

const launchProcesses = async (
  wanted: readonly AddressName[],
  { folder, ports, report, temporary, servers }: LaunchContext,
  signal?: AbortSignal,
): Promise<readonly Promise<Partial<ServerAddresses>>[]> => {
  const common = { files: await serverFiles(report, signal), folder, report };
  if (signal?.aborted === true) throw new StoppedWhileStarting('the start was cut short');
  const launch = async (name: AddressName): Promise<string> => {
    const onDefined = (server: Server): void => {
      if (signal?.aborted === true) throw new StoppedWhileStarting(`${server.name} is not started any more`);
      servers[name] = server;
    };
    switch (name) {
      case 'KAFKA_BROKERS':
        return (
          await startKafka({
            ...common,
            ports: [ports.kafkaPort],
            controllerPorts: [ports.kafkaControllerPort],
            onDefined,
          })
        ).addresses.plain;
      case 'SCHEMA_REGISTRY_URL':
        return (await startRegistry({ ...common, port: ports.registryPort, onDefined })).url;
      case 'DATABASE_URL':
        return (await startPostgres({ ...common, port: ports.postgresPort, temporary, onDefined })).url;
      case 'REDIS_URL':
        return (
          await startRedis({
            ...common,
            port: ports.redisPort,
            password: passwordOf(join(folder.data, 'redis.password')),
            onDefined,
          })
        ).url;
    }
  };
  return wanted.map(async (name) => ({ [name]: await launch(name) }));
};

/** Ends and removes what test runs that were killed have left beside this one's folder. */
const sweepTemporary = async (dataDir: string, report: Report): Promise<void> => {
  const parent = dirname(resolve(dataDir));
  if (!existsSync(parent)) return;
  for (const entry of readdirSync(parent)) {
    const root = join(parent, entry);
    const pids = join(root, 'pids');
    if (!existsSync(pids) || launcherRuns(pids)) continue;
    await reap(pids, report);
    removeState(root);
  }
};

const removeState = (root: string): void => {
  removeRefuge(join(root, 'data', 'postgres'));
  rmSync(root, { recursive: true, force: true });
};
