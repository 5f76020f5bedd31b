/**
 * Kafka, Postgres, Redis and the schema registry beside a cluster on the same machine: the servers of `npm start`,
 * reached by pods at the address given. `node test/cluster/servers.ts HOST FOLDER` starts them, writes FOLDER/env and
 * runs until it is stopped. With `--tls` Kafka is reached by TLS and SCRAM only, by a user with the rights of
 * docs/operating.md and no others, Redis by TLS and a password only, and Postgres takes TLS; FOLDER/server.crt is the
 * authority.
 */
import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Server as Listener } from 'node:net';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeCertificate } from '#kit';
import kafkajs from 'kafkajs';
import { serverFiles, startPostgres, startRedis, stateFolder } from '#local';
import type { Server } from '#local';
import { clusterIdOf, defineKafkaNode } from '../../local/kafka-node.ts';
import { listenerSecurity } from '../../local/kafka.ts';
import { freePort } from '../../local/ports.ts';
import { passwordOf } from '../../local/postgres.ts';
import { reportToStdout } from '../../local/progress.ts';
import { startRegistry } from '../../local/registry.ts';

const { positionals, values } = parseArgs({ options: { tls: { type: 'boolean' } }, allowPositionals: true });
const [host, dataDir] = positionals;
if (host === undefined || dataDir === undefined) {
  process.stderr.write(
    'Give the address at which pods reach this machine, and a folder: test/cluster/servers.ts 10.244.0.1 DIR [--tls]\n',
  );
  process.exit(2);
}

/** The servers listen on loopback only; this passes on what comes to the same port of `host`. */
const pass = (port: number): Promise<Listener> =>
  new Promise((resolve, reject) => {
    const listener = createServer((incoming) => {
      const outgoing = connect({ host: '127.0.0.1', port });
      incoming.pipe(outgoing).pipe(incoming);
      incoming.on('error', () => outgoing.destroy());
      outgoing.on('error', () => incoming.destroy());
    });
    listener.once('error', reject);
    listener.listen({ host, port }, () => resolve(listener));
  });

/** Nobody may do anything, but for whoever comes over the plain listener of loopback, and the node itself. */
const AUTHORIZER = [
  'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users=User:ANONYMOUS',
];
/** What topics and groups of test/cluster/run.ts begin with. */
const PREFIX = 't';
const {
  AclOperationTypes: { ALTER, ALTER_CONFIGS, CREATE, DESCRIBE, DESCRIBE_CONFIGS, READ, WRITE },
  AclPermissionTypes,
  AclResourceTypes,
  ResourcePatternTypes,
} = kafkajs;

const giveRights = async (broker: string, name: string): Promise<void> => {
  const admin = new kafkajs.Kafka({ brokers: [broker], logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
  const rights = [
    ...[DESCRIBE, DESCRIBE_CONFIGS, READ, WRITE, CREATE, ALTER, ALTER_CONFIGS].map(
      (operation) => [AclResourceTypes.TOPIC, operation] as const,
    ),
    ...[READ, DESCRIBE].map((operation) => [AclResourceTypes.GROUP, operation] as const),
  ];
  await admin.createAcls({
    acl: rights.map(([resourceType, operation]) => ({
      resourceType,
      operation,
      resourceName: PREFIX,
      resourcePatternType: ResourcePatternTypes.PREFIXED,
      principal: `User:${name}`,
      host: '*',
      permissionType: AclPermissionTypes.ALLOW,
    })),
  });
  await admin.disconnect();
};

const folder = stateFolder(dataDir);
const report = reportToStdout;
const files = await serverFiles(report);
const started: Server[] = [];
const common = { files, folder, report, onDefined: (server: Server): void => void started.push(server) };

const tls = values.tls === true ? await makeCertificate(folder.root, 'server', { also: host }) : undefined;
const passwordFor = (what: string): string => passwordOf(join(folder.data, `${what}.password`));
const user = { name: 'dakia', password: passwordFor('kafka') };

const [kafkaPort, loginPort, controllerPort] = [await freePort(), await freePort(), await freePort()];
const reachable =
  tls === undefined
    ? `PLAINTEXT://${host}:${kafkaPort}`
    : `PLAINTEXT://127.0.0.1:${kafkaPort},SASL_TLS://${host}:${loginPort}`;
const users = tls === undefined ? {} : { [user.name]: user.password };
const kafka = await defineKafkaNode(files, folder, {
  name: 'kafka',
  nodeId: 1,
  clusterId: clusterIdOf(folder, 'kafka'),
  port: kafkaPort,
  controllerPort,
  voters: [`1@127.0.0.1:${controllerPort}`],
  listeners: tls === undefined ? [] : [{ name: 'SASL_TLS', protocol: 'SASL_SSL', port: loginPort }],
  // Stands after what the node writes itself, and the last one counts.
  extra: [
    `advertised.listeners=${reachable}`,
    ...(tls === undefined ? [] : [...listenerSecurity({ tls, users }), ...AUTHORIZER]),
  ],
  users,
});
started.push(kafka);
const [postgres, redis, registry] = await Promise.all([
  startPostgres({ ...common, port: 0, ...(tls !== undefined && { tls }) }),
  startRedis({ ...common, port: 0, ...(tls !== undefined && { tls, password: passwordFor('redis') }) }),
  startRegistry({ ...common, port: 0 }),
  kafka.start(),
]);

if (tls !== undefined) await giveRights(`127.0.0.1:${kafkaPort}`, user.name);

const elsewhere = (url: string): string => url.replace('127.0.0.1', host);
const brokerPort = tls === undefined ? kafkaPort : loginPort;
const ports = [brokerPort, ...[postgres, redis, registry].map(({ url }) => Number(new URL(url).port))];
const listeners = await Promise.all(ports.map(pass));
const addresses = {
  KAFKA_BROKERS: `${host}:${brokerPort}`,
  DATABASE_URL: elsewhere(postgres.url),
  REDIS_URL: elsewhere(redis.url),
  SCHEMA_REGISTRY_URL: elsewhere(registry.url),
  ...(tls !== undefined && {
    DAKIA_TEST_AUTHORITY: tls.certFile,
    KAFKA_SASL_MECHANISM: 'scram-sha-512',
    KAFKA_SASL_USERNAME: user.name,
    KAFKA_SASL_PASSWORD: user.password,
  }),
};
const env = join(dataDir, 'env');
writeFileSync(
  env,
  Object.entries(addresses)
    .map(([name, value]) => `${name}='${value}'\n`)
    .join(''),
  { mode: 0o600 },
);
process.stdout.write(`ready: ${env}\n`);

await new Promise((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, resolve);
});
for (const listener of listeners) listener.close();
await Promise.all(started.map((server) => server.stop()));
process.exit(0);
