/**
 * Kafka, Postgres, Redis and the schema registry beside a cluster on the same machine: the
 * servers of `npm start`, reached by pods at the address given. `node test/cluster/servers.ts
 * HOST FOLDER` starts them, writes FOLDER/env and runs until it is stopped.
 */
import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Server as Listener } from 'node:net';
import { join } from 'node:path';
import { serverFiles, startPostgres, startRedis, stateFolder } from '#local';
import type { Server } from '#local';
import { clusterIdOf, defineKafkaNode } from '../../local/kafka-node.ts';
import { freePort } from '../../local/ports.ts';
import { reportToStdout } from '../../local/progress.ts';
import { startRegistry } from '../../local/registry.ts';

const [host, dataDir] = process.argv.slice(2);
if (host === undefined || dataDir === undefined) {
  process.stderr.write(
    'Give the address at which pods reach this machine, and a folder: test/cluster/servers.ts 10.244.0.1 DIR\n',
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

const folder = stateFolder(dataDir);
const report = reportToStdout;
const files = await serverFiles(report);
const started: Server[] = [];
const common = { files, folder, report, onDefined: (server: Server): void => void started.push(server) };

const [kafkaPort, controllerPort] = [await freePort(), await freePort()];
const kafka = await defineKafkaNode(files, folder, {
  name: 'kafka',
  nodeId: 1,
  clusterId: clusterIdOf(folder, 'kafka'),
  port: kafkaPort,
  controllerPort,
  voters: [`1@127.0.0.1:${controllerPort}`],
  listeners: [],
  // Stands after what the node writes itself, and the last one counts.
  extra: [`advertised.listeners=PLAINTEXT://${host}:${kafkaPort}`],
  users: {},
});
started.push(kafka);
const [postgres, redis, registry] = await Promise.all([
  startPostgres({ ...common, port: 0 }),
  startRedis({ ...common, port: 0 }),
  startRegistry({ ...common, port: 0 }),
  kafka.start(),
]);

const elsewhere = (url: string): string => url.replace('127.0.0.1', host);
const ports = [kafkaPort, ...[postgres, redis, registry].map(({ url }) => Number(new URL(url).port))];
const listeners = await Promise.all(ports.map(pass));
const addresses = {
  KAFKA_BROKERS: `${host}:${kafkaPort}`,
  DATABASE_URL: elsewhere(postgres.url),
  REDIS_URL: elsewhere(redis.url),
  SCHEMA_REGISTRY_URL: elsewhere(registry.url),
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
