import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { AddressName, ServerAddresses } from './addresses.ts';
import { repositoryRoot } from './folders.ts';
import type { StateFolder } from './folders.ts';
import { serves } from './kafka.ts';
import { LOOPBACK, portOrFree } from './ports.ts';
import { passwordOf, postgresAnswers, postgresUrl } from './postgres.ts';
import { secondsSince } from './progress.ts';
import type { Report } from './progress.ts';
import { redisAnswers, redisUrl } from './redis.ts';
import { registryAnswers, registryUrl } from './registry.ts';
import { defineServer } from './server-process.ts';
import type { Server } from './server-process.ts';
import type { ServerPorts } from './settings.ts';

export interface ComposeOptions {
  readonly folder: StateFolder;
  readonly ports: ServerPorts;
  /** Which of the four to start. */
  readonly wanted: readonly AddressName[];
  readonly report: Report;
  readonly onDefined: (server: Server) => void;
}

const services: Readonly<Record<AddressName, string>> = {
  KAFKA_BROKERS: 'kafka',
  DATABASE_URL: 'postgres',
  REDIS_URL: 'redis',
  SCHEMA_REGISTRY_URL: 'registry',
};

/** Images are pulled in this time too. */
const READY_WITHIN_MS = 600_000;
const STOP_WITHIN_MS = 45_000;
const PROJECT_HASH_LENGTH = 8;

export interface ComposePasswords {
  readonly postgres: string;
  readonly redis: string;
}

export interface ComposeRun {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * How the compose file is run for one state folder: a project of its own, so that two stacks keep their volumes apart.
 */
export const composeRun = (
  root: string,
  ports: ServerPorts,
  wanted: readonly AddressName[],
  passwords: ComposePasswords,
): ComposeRun => ({
  args: [
    'compose',
    '--project-name',
    `dakia-${createHash('sha256').update(root).digest('hex').slice(0, PROJECT_HASH_LENGTH)}`,
    '--env-file',
    join(repositoryRoot, 'deploy', 'images.env'),
    '--file',
    join(repositoryRoot, 'deploy', 'compose.yaml'),
    'up',
    // One that ends takes the others with it, as the launcher does with its own processes.
    '--abort-on-container-exit',
    '--no-color',
    ...wanted.map((name) => services[name]),
  ],
  env: {
    DAKIA_KAFKA_PORT: String(ports.kafkaPort),
    DAKIA_REGISTRY_PORT: String(ports.registryPort),
    DAKIA_POSTGRES_PORT: String(ports.postgresPort),
    DAKIA_REDIS_PORT: String(ports.redisPort),
    DAKIA_POSTGRES_PASSWORD: passwords.postgres,
    DAKIA_REDIS_PASSWORD: passwords.redis,
  },
});

/** The servers as containers, behind one `docker compose up` that lives and dies with the launcher. */
export const startCompose = async ({
  folder,
  ports: asked,
  wanted,
  report,
  onDefined,
}: ComposeOptions): Promise<Partial<ServerAddresses>> => {
  const started = performance.now();
  const ports: ServerPorts = {
    kafkaPort: await portOrFree(asked.kafkaPort),
    kafkaControllerPort: asked.kafkaControllerPort,
    registryPort: await portOrFree(asked.registryPort),
    postgresPort: await portOrFree(asked.postgresPort),
    redisPort: await portOrFree(asked.redisPort),
  };
  const passwords: ComposePasswords = {
    postgres: passwordOf(join(folder.data, 'postgres.password')),
    redis: passwordOf(join(folder.data, 'redis.password')),
  };
  const addresses: ServerAddresses = {
    KAFKA_BROKERS: `${LOOPBACK}:${ports.kafkaPort}`,
    DATABASE_URL: postgresUrl(passwords.postgres, ports.postgresPort),
    REDIS_URL: redisUrl(ports.redisPort, passwords.redis),
    SCHEMA_REGISTRY_URL: registryUrl(ports.registryPort),
  };
  const answers: Readonly<Record<AddressName, () => Promise<boolean>>> = {
    KAFKA_BROKERS: () => serves([addresses.KAFKA_BROKERS]),
    DATABASE_URL: () => postgresAnswers(addresses.DATABASE_URL),
    REDIS_URL: () => redisAnswers(ports.redisPort, false),
    SCHEMA_REGISTRY_URL: () => registryAnswers(addresses.SCHEMA_REGISTRY_URL),
  };
  const server = defineServer(
    {
      name: 'compose',
      kind: 'server',
      command: 'docker',
      ...composeRun(folder.root, ports, wanted, passwords),
      ready: async () => (await Promise.all(wanted.map((name) => answers[name]()))).every(Boolean),
      readyWithinMs: READY_WITHIN_MS,
      stopSignal: 'SIGTERM',
      stopWithinMs: STOP_WITHIN_MS,
    },
    folder,
  );
  onDefined(server);
  report(
    'compose',
    `starting ${wanted.map((name) => services[name]).join(', ')} in containers, after pulling what is not yet ` +
      `here; ${server.logFile} shows it`,
  );
  await server.start();
  report('compose', `ready (${secondsSince(started)})`);
  return Object.fromEntries(wanted.map((name) => [name, addresses[name]]));
};
