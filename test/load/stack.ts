import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { startServers } from '#local';
import type { RunningServers } from '#local';
import { applyPartitions } from '#operate';
import { kafkaSettings, readConfig } from '#platform/config';
import { applyTopics, createKafka, embeddedShape, productionShape } from '#kafka';
import type { KafkaConfig } from '#kafka';
import { createLogger } from '#platform/log';
import { createDatabase, migrate } from '#platform/postgres';
import { now } from '#platform/time';
import { removeRefuge } from '../../local/postgres-account.ts';
import { chooseServers, machine } from '../../local/requirements.cjs';

export type Report = (part: string, message: string) => void;
export type ServerName = 'kafka' | 'postgres' | 'redis';
export type Environment = Readonly<Record<string, string | undefined>>;

/** Servers to measure on, with databases and topics that nobody else uses. */
export interface Stack {
  /** Of the measured programs: addresses and quiet logs. */
  readonly environment: Environment;
  /** Folder for their logs. */
  readonly logs: string;
  /**
   * A migrated database of its own, or a copy of another one of
   * these; `prepare` brings it to the schema of another commit.
   */
  readonly createDatabase: (copyOf?: string, prepare?: (url: string) => Promise<void>) => Promise<string>;
  /** Process ids of the servers by name; none of those that the environment gave. */
  readonly serverPids: () => Readonly<Partial<Record<ServerName, number>>>;
  /** Topics of its own with as many partitions as in production; answers the prefix. */
  readonly createTopics: (topics: readonly string[]) => Promise<string>;
  readonly kafkaConfig: (prefix: string) => KafkaConfig;
  /** Removes all of it, and stops what was started. */
  readonly close: () => Promise<void>;
}

const ROOT = join(import.meta.dirname, '..', '..');
/** One benchmark at a time: a second one is refused, what a killed one left is ended by the next. */
const FOLDER = join(ROOT, '.dakia', 'bench');
const KAFKA_OPTIONS = {
  clientId: 'dakia-bench',
  requestTimeoutMs: 10_000,
  retry: { retries: 8, initialRetryTime: 200, maxRetryTime: 2_000 },
};

export const openStack = async (given: Environment, report: Report, signal: AbortSignal): Promise<Stack> => {
  const choice = chooseServers(given, machine(given));
  if ('missing' in choice) throw new Error(choice.missing);
  // Not `temporary`: Postgres is measured as it runs in earnest, waiting for the disk.
  const servers = await startServers({
    dataDir: FOLDER,
    environment: given,
    ports: 'free',
    report,
    signal,
    ...(choice.servers === 'given' ? {} : { source: choice.servers }),
  });
  const environment = {
    ...given,
    ...servers.addresses,
    DAKIA_LOG_LEVEL: 'warn',
    DAKIA_OPS_HOST: '127.0.0.1',
    DAKIA_OPS_PORT: '0',
    KAFKAJS_NO_PARTITIONER_WARNING: '1',
  };
  const name = `dakia_bench_${randomBytes(4).toString('hex')}`;
  const databases: string[] = [];
  const prefixes: string[] = [];
  const kafkaConfig = (prefix: string): KafkaConfig => {
    const read = readConfig(kafkaSettings, { ...environment, DAKIA_TOPIC_PREFIX: prefix });
    if (!read.ok) throw new Error(read.issues.join('; '));
    return read.value;
  };
  const { kafka } = createKafka(kafkaConfig(''), createLogger('bench', 'fatal'), KAFKA_OPTIONS);
  const url = servers.addresses.DATABASE_URL;

  return {
    environment,
    logs: servers.folder.logs,
    kafkaConfig,
    serverPids: () => pidsOf(servers),
    createDatabase: async (copyOf, prepare = prepareDatabase) => {
      const database = `${name}_${databases.length}`;
      const template = copyOf === undefined ? '' : ` TEMPLATE ${new URL(copyOf).pathname.slice(1)} STRATEGY file_copy`;
      await onServer(url, `CREATE DATABASE ${database}${template}`);
      databases.push(database);
      const made = databaseUrl(url, database);
      if (copyOf === undefined) await prepare(made);
      return made;
    },
    createTopics: async (topics) => {
      const prefix = `${name}_${prefixes.length}.`;
      prefixes.push(prefix);
      const admin = kafka.admin();
      await admin.connect();
      const { brokers } = await admin.describeCluster();
      await admin.disconnect();
      const shape =
        brokers.length >= productionShape.replicationFactor
          ? productionShape
          : { ...embeddedShape, partitions: productionShape.partitions };
      const { problems } = await applyTopics(kafka, { topics, prefix, shape });
      if (problems.length > 0) throw new Error(problems.join('; '));
      return prefix;
    },
    close: async () => {
      // What is ours goes with the servers, unless they are somebody else's.
      if (servers.servers.DATABASE_URL === undefined)
        for (const database of databases) await onServer(url, `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
      if (servers.servers.KAFKA_BROKERS === undefined) await deleteTopics(kafka, prefixes);
      await closeServers(servers);
    },
  };
};

const pidsOf = ({ servers }: RunningServers): Readonly<Partial<Record<ServerName, number>>> => {
  const started = {
    kafka: servers.KAFKA_BROKERS?.pid(),
    postgres: servers.DATABASE_URL?.pid(),
    redis: servers.REDIS_URL?.pid(),
  };
  return Object.fromEntries(Object.entries(started).filter(([, pid]) => pid !== undefined));
};

const closeServers = async (servers: RunningServers): Promise<void> => {
  await servers.stop();
  removeRefuge(join(servers.folder.data, 'postgres'));
  rmSync(FOLDER, { recursive: true, force: true });
};

const deleteTopics = async (
  kafka: ReturnType<typeof createKafka>['kafka'],
  prefixes: readonly string[],
): Promise<void> => {
  const admin = kafka.admin();
  await admin.connect();
  const ours = (name: string): boolean => prefixes.some((prefix) => name.startsWith(prefix));
  const topics = (await admin.listTopics()).filter(ours);
  if (topics.length > 0) await admin.deleteTopics({ topics });
  const groups = (await admin.listGroups()).groups.map(({ groupId }) => groupId).filter(ours);
  if (groups.length > 0) await admin.deleteGroups(groups);
  await admin.disconnect();
};

const databaseUrl = (server: string, database: string): string => {
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
};

export const onServer = async (url: string, sql: string): Promise<readonly Record<string, unknown>[]> => {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
};

const prepareDatabase = async (url: string): Promise<void> => {
  await migrate(url, () => undefined);
  const database = createDatabase({ url, poolSize: 1, applicationName: 'dakia-bench' });
  try {
    await applyPartitions(database, now());
  } finally {
    await database.close();
  }
};
