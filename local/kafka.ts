import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import kafkajs from 'kafkajs';
import { codeOf } from '#platform/log';
import { until } from '#platform/time';
import { repositoryRoot } from './folders.ts';
import { clusterIdOf, defineKafkaNode } from './kafka-node.ts';
import type { KafkaListener } from './kafka-node.ts';
import { LaunchFailure } from './launch-failure.ts';
import type { LaunchOptions } from './launch-options.ts';
import { freePort, LOOPBACK, portOrFree } from './ports.ts';
import type { TlsFiles } from './private-files.ts';
import { secondsSince } from './progress.ts';
import type { Server } from './server-process.ts';

export interface KafkaOptions extends LaunchOptions {
  /** One per node; 0 takes a free one. One node with [9092] is what npm start runs. */
  readonly ports: readonly number[];
  /** One per node; free ones by default. */
  readonly controllerPorts?: readonly number[];
  /** Adds a TLS listener. `clientCaFile` makes it ask for a client certificate. */
  readonly tls?: TlsFiles & { readonly clientCaFile?: string };
  /**
   * Adds a listener on which these users (name → password) log in by PLAIN or SCRAM; with `tls` a second one under TLS.
   */
  readonly users?: Readonly<Record<string, string>>;
}

export interface KafkaNode {
  readonly server: Server;
  /** host:port of the plain listener. */
  readonly address: string;
}

/** Bootstrap addresses, `host:port` separated by commas. */
export interface KafkaAddresses {
  readonly plain: string;
  readonly tls?: string;
  readonly sasl?: string;
  readonly saslTls?: string;
}

export interface Kafka {
  readonly nodes: readonly KafkaNode[];
  readonly addresses: KafkaAddresses;
  stop(): Promise<void>;
}

const REGISTERED_WITHIN_MS = 60_000;
const ASK_MS = 2_000;

/**
 * A Kafka cluster on loopback whose nodes are each broker and controller. With several nodes failover is fast (1.5 s
 * instead of 9 s), for tests that kill and freeze them. `min.insync.replicas` is left to the topics.
 */
export const startKafka = async (options: KafkaOptions): Promise<Kafka> => {
  const { files, folder, report, name = 'kafka' } = options;
  const started = performance.now();
  const clusterId = clusterIdOf(folder, name);
  const plans = await Promise.all(options.ports.map((port, index) => planNode(options, port, index)));
  const voters = plans.map(({ nodeId, controllerPort }) => `${nodeId}@${LOOPBACK}:${controllerPort}`);
  const servers = await Promise.all(
    plans.map(({ nodeId, port, controllerPort, listeners }) =>
      defineKafkaNode(files, folder, {
        name: options.ports.length === 1 ? name : `${name}-${nodeId}`,
        nodeId,
        clusterId,
        port,
        controllerPort,
        voters,
        listeners,
        extra: [...(options.ports.length === 1 ? [] : failover()), ...listenerSecurity(options)],
        users: options.users ?? {},
      }),
    ),
  );
  servers.forEach((server) => options.onDefined?.(server));
  const stop = async (): Promise<void> => void (await Promise.all(servers.map((server) => server.stop())));
  const addressesOf = (listener: string): string | undefined => {
    const found = plans.flatMap(({ listeners }) => listeners.filter((each) => each.name === listener));
    return found.length === 0 ? undefined : found.map(({ port }) => `${LOOPBACK}:${port}`).join(',');
  };
  const plain = plans.map(({ port }) => `${LOOPBACK}:${port}`);
  try {
    await Promise.all(servers.map((server) => server.start()));
    if (!(await until(REGISTERED_WITHIN_MS, () => serves(plain)))) {
      throw new LaunchFailure(
        codeOf('start', 'server'),
        `The Kafka nodes ${plain.join(', ')} did not all join the cluster and lead its partitions within ` +
          `${REGISTERED_WITHIN_MS / 1000} s.`,
      );
    }
  } catch (error) {
    await stop();
    throw error;
  }
  report(name, `ready on ${plain.join(', ')} (${secondsSince(started)})`);
  const [tls, sasl, saslTls] = [addressesOf('TLS'), addressesOf('SASL'), addressesOf('SASL_TLS')];
  return {
    nodes: servers.map((server, index) => ({ server, address: plain[index] ?? '' })),
    addresses: {
      plain: plain.join(','),
      ...(tls === undefined ? {} : { tls }),
      ...(sasl === undefined ? {} : { sasl }),
      ...(saslTls === undefined ? {} : { saslTls }),
    },
    stop,
  };
};

interface NodePlan {
  readonly nodeId: number;
  readonly port: number;
  readonly controllerPort: number;
  readonly listeners: readonly KafkaListener[];
}

const planNode = async (
  { controllerPorts, tls, users }: KafkaOptions,
  port: number,
  index: number,
): Promise<NodePlan> => {
  const wanted: readonly Pick<KafkaListener, 'name' | 'protocol'>[] = [
    ...(tls === undefined ? [] : [{ name: 'TLS', protocol: 'SSL' } as const]),
    ...(users === undefined ? [] : [{ name: 'SASL', protocol: 'SASL_PLAINTEXT' } as const]),
    ...(tls === undefined || users === undefined ? [] : [{ name: 'SASL_TLS', protocol: 'SASL_SSL' } as const]),
  ];
  const listeners = await Promise.all(wanted.map(async (listener) => ({ ...listener, port: await freePort() })));
  return {
    nodeId: index + 1,
    port: await portOrFree(port),
    controllerPort: await portOrFree(controllerPorts?.[index] ?? 0),
    listeners,
  };
};

const failover = (): readonly string[] => [
  readFileSync(join(repositoryRoot, 'deploy', 'kafka', 'failover.properties'), 'utf8').trimEnd(),
];

/** Lines of the properties file for the listeners TLS, SASL and SASL_TLS. */
export const listenerSecurity = ({ tls, users }: Pick<KafkaOptions, 'tls' | 'users'>): readonly string[] => {
  const lines: string[] = [];
  if (tls !== undefined) {
    const pem = (file: string): string =>
      readFileSync(file, 'utf8').trim().replaceAll('\r', '').split('\n').join('\\n');
    lines.push(
      'ssl.keystore.type=PEM',
      `ssl.keystore.certificate.chain=${pem(tls.certFile)}`,
      `ssl.keystore.key=${pem(tls.keyFile)}`,
    );
    if (tls.clientCaFile !== undefined) {
      lines.push(
        'ssl.truststore.type=PEM',
        `ssl.truststore.certificates=${pem(tls.clientCaFile)}`,
        'listener.name.tls.ssl.client.auth=required',
      );
    }
  }
  if (users !== undefined) {
    const modules = 'org.apache.kafka.common.security';
    const plainUsers = Object.entries(users)
      .map(([user, password]) => `user_${user}="${password}"`)
      .join(' ');
    for (const listener of tls === undefined ? ['sasl'] : ['sasl', 'sasl_tls']) {
      lines.push(
        `listener.name.${listener}.plain.sasl.jaas.config=${modules}.plain.PlainLoginModule required ${plainUsers};`,
        `listener.name.${listener}.scram-sha-256.sasl.jaas.config=${modules}.scram.ScramLoginModule required;`,
        `listener.name.${listener}.scram-sha-512.sasl.jaas.config=${modules}.scram.ScramLoginModule required;`,
      );
    }
    lines.push('sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512');
  }
  return lines;
};

/**
 * Whether every broker is one that topics may be placed on, which comes a moment after its open port, and every
 * partition that was there before is led again, which comes a moment later still.
 */
export const serves = async (brokers: readonly string[]): Promise<boolean> => {
  const client = new kafkajs.Kafka({
    brokers: [...brokers],
    connectionTimeout: ASK_MS,
    requestTimeout: ASK_MS,
    retry: { retries: 0 },
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const admin = client.admin();
  try {
    await admin.connect();
    if ((await admin.describeCluster()).brokers.length !== brokers.length) return false;
    for (const topic of await admin.listTopics()) await admin.fetchTopicOffsets(topic);
    return true;
  } catch {
    return false;
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
};
