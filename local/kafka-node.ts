import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { codeOf } from '#platform/log';
import { makeFolder, repositoryRoot } from './folders.ts';
import type { StateFolder } from './folders.ts';
import { javaCommand, javaFlags } from './java.ts';
import { LaunchFailure } from './launch-failure.ts';
import { accepts, LOOPBACK } from './ports.ts';
import { writePrivate } from './private-files.ts';
import type { ServerFiles } from './server-files.ts';
import { childEnvironment, defineServer } from './server-process.ts';
import type { Server } from './server-process.ts';

/** A listener beside the plain one, for clients that use TLS or log in. */
export interface KafkaListener {
  readonly name: string;
  readonly protocol: 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';
  readonly port: number;
}

export interface KafkaNodeSpec {
  readonly name: string;
  readonly nodeId: number;
  readonly clusterId: string;
  readonly port: number;
  /** `id@host:port` of every node's controller. */
  readonly voters: readonly string[];
  readonly controllerPort: number;
  readonly listeners: readonly KafkaListener[];
  /** Lines of the properties file that this cluster adds. */
  readonly extra: readonly string[];
  /** User and password pairs that may log in by SCRAM; stored at the first format. */
  readonly users: Readonly<Record<string, string>>;
}

const execute = promisify(execFile);
const settings = join(repositoryRoot, 'deploy', 'kafka');
const HEAP = '256m';
const READY_WITHIN_MS = 90_000;
const STOP_WITHIN_MS = 20_000;

/** 16 random bytes in base64url; never with a `-` in front, which StorageTool would read as an option. */
export const newClusterId = (): string => {
  for (;;) {
    const id = randomBytes(16).toString('base64url');
    if (!id.startsWith('-')) return id;
  }
};

export const propertiesOf = (spec: KafkaNodeSpec, logDir: string): readonly string[] => {
  const plain = `PLAINTEXT://${LOOPBACK}:${spec.port}`;
  const others = spec.listeners.map(({ name, port }) => `${name}://${LOOPBACK}:${port}`);
  const protocols = [
    'CONTROLLER:PLAINTEXT',
    'PLAINTEXT:PLAINTEXT',
    ...spec.listeners.map(({ name, protocol }) => `${name}:${protocol}`),
  ];
  const copies = Math.min(spec.voters.length, 3);
  const leastInSync = Math.max(1, copies - 1);
  return [
    readFileSync(join(settings, 'embedded.properties'), 'utf8').trimEnd(),
    `node.id=${spec.nodeId}`,
    `controller.quorum.voters=${spec.voters.join(',')}`,
    `listeners=${[plain, `CONTROLLER://${LOOPBACK}:${spec.controllerPort}`, ...others].join(',')}`,
    `advertised.listeners=${[plain, ...others].join(',')}`,
    `listener.security.protocol.map=${protocols.join(',')}`,
    `log.dirs=${logDir}`,
    `offsets.topic.replication.factor=${copies}`,
    `transaction.state.log.replication.factor=${copies}`,
    `transaction.state.log.min.isr=${leastInSync}`,
    `share.coordinator.state.topic.replication.factor=${copies}`,
    `share.coordinator.state.topic.min.isr=${leastInSync}`,
    ...spec.extra,
  ];
};

/** One combined node (broker and controller), formatted at its first start. */
export const defineKafkaNode = async (
  files: ServerFiles,
  folder: StateFolder,
  spec: KafkaNodeSpec,
): Promise<Server> => {
  const logDir = makeFolder(join(folder.data, spec.name));
  const properties = join(folder.data, `${spec.name}.properties`);
  // Private: with SASL it holds passwords.
  writePrivate(properties, `${propertiesOf(spec, logDir).join('\n')}\n`);
  const java = [
    ...javaFlags(HEAP),
    `-Dlog4j2.configurationFile=${join(settings, 'log4j2.properties')}`,
    '-cp',
    files.kafka,
  ];
  if (!existsSync(join(logDir, 'meta.properties'))) await format(java, properties, spec);
  return defineServer(
    {
      name: spec.name,
      kind: 'server',
      command: javaCommand(),
      args: [...java, 'kafka.Kafka', properties],
      ready: () => accepts(LOOPBACK, spec.port),
      readyWithinMs: READY_WITHIN_MS,
      stopSignal: 'SIGTERM',
      stopWithinMs: STOP_WITHIN_MS,
    },
    folder,
  );
};

const format = async (
  java: readonly string[],
  properties: string,
  { clusterId, name, users }: KafkaNodeSpec,
): Promise<void> => {
  const scram = Object.entries(users).flatMap(([user, password]) =>
    ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=${user},password=${password}]`,
    ]),
  );
  try {
    const args = ['format', '-t', clusterId, '-c', properties, '--ignore-formatted', ...scram];
    await execute(javaCommand(), [...java, 'kafka.tools.StorageTool', ...args], { env: childEnvironment() });
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout?: string; readonly stderr?: string };
    throw new LaunchFailure(
      codeOf('start', 'server'),
      `The data folder of ${name} could not be made: ${(stderr ?? '') || (stdout ?? '')}`.trim(),
    );
  }
};

/** The cluster's id, drawn once and kept: the ledger in Postgres remembers which cluster its positions belong to. */
export const clusterIdOf = (folder: StateFolder, name: string): string => {
  mkdirSync(folder.data, { recursive: true });
  const file = join(folder.data, `${name}.cluster-id`);
  if (!existsSync(file)) writePrivate(file, `${newClusterId()}\n`);
  return readFileSync(file, 'utf8').trim();
};
