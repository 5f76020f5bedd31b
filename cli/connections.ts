import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { topics } from '#catalogue';
import { kafkaSettings, postgresSettings } from '#platform/config';
import type { ConfigOf, Environment } from '#platform/config';
import { createKafka, kafkaIssues } from '#kafka';
import type { KafkaClient } from '#kafka';
import { createLogger } from '#platform/log';
import { createDatabase, MAINTENANCE_TIMEOUT_MS } from '#platform/postgres';
import type { Database } from '#platform/postgres';
import { ServerError, settingsOf, UsageError } from './output.ts';

/** With this patience a server is worked with; a person waits, so it ends with one clear error. */
const KAFKA_OPTIONS = {
  clientId: 'dakia-cli',
  requestTimeoutMs: 10_000,
  retry: { retries: 3, initialRetryTime: 200, maxRetryTime: 2_000 },
};
/** And with this it is found out whether one answers at all. */
const FIRST_ANSWER = { ...KAFKA_OPTIONS, requestTimeoutMs: 3_000, retry: { ...KAFKA_OPTIONS.retry, retries: 1 } };

export interface OpenKafka {
  readonly kafka: KafkaClient['kafka'];
  readonly prefix: string;
  /** Every topic that is consumed, without the prefix. */
  readonly topics: readonly string[];
  /** Gives up whatever Kafka is still asked for: none of it keeps the process from ending. */
  readonly giveUp: () => void;
}

/** Of Kafka as the settings give it. Throws UsageError when they cannot be. */
export const kafkaConfigOf = (command: Command): ConfigOf<typeof kafkaSettings> => {
  const config = settingsOf(command, kafkaSettings);
  const issues = kafkaIssues(config);
  if (issues.length > 0) throw new UsageError(issues.join('\n'));
  return config;
};

/** Kafka as the settings give it. Throws ServerError within seconds when it does not answer, UsageError as above. */
export const openKafka = async (command: Command): Promise<OpenKafka> => {
  const config = kafkaConfigOf(command);
  // What goes wrong is thrown and printed once; the client's own lines would say it many times.
  const log = createLogger('dakia', 'silent');
  const admin = createKafka(config, log, FIRST_ANSWER).kafka.admin();
  try {
    await admin.connect();
    // Connecting alone asks nothing of a broker.
    await admin.describeCluster();
  } catch (error) {
    throw new ServerError('KAFKA_BROKERS', error);
  } finally {
    await admin.disconnect();
  }
  const { kafka, sockets } = createKafka(config, log, KAFKA_OPTIONS);
  return { kafka, prefix: config.topicPrefix, topics, giveUp: sockets.killAll };
};

/**
 * Runs `work` over a connection to Postgres with the rights of `role`;
 * without one, with those of the login user. `given`: as of settingsOf.
 */
export const withDatabase = async <Result>(
  command: Command,
  role: string | undefined,
  work: (database: Database) => Promise<Result>,
  given: Environment = {},
  statementTimeoutMs?: number,
): Promise<Result> => {
  const { databaseUrl } = settingsOf(command, { databaseUrl: postgresSettings.databaseUrl }, given);
  const database = createDatabase({
    url: databaseUrl,
    poolSize: 1,
    applicationName: 'dakia-cli',
    ...(role !== undefined && { role }),
    ...(statementTimeoutMs !== undefined && { statementTimeoutMs }),
  });
  try {
    return await askingPostgres(() => work(database));
  } finally {
    await database.close();
  }
};

/** The same as the owner of the tables, with the patience that maintenance needs. */
export const withMaintenance = async <Result>(
  command: Command,
  work: (database: Database) => Promise<Result>,
): Promise<Result> => withDatabase(command, undefined, work, {}, MAINTENANCE_TIMEOUT_MS);

/** Does `work`; throws ServerError when Postgres cannot be used. */
export const askingPostgres = async <Result>(work: () => Promise<Result>): Promise<Result> => {
  try {
    return await work();
  } catch (error) {
    throw isAway(error) ? new ServerError('DATABASE_URL', error) : error;
  }
};

/**
 * No connection to Postgres: its address, its user (class 28), its
 * database (3D), or the server. Kafka's client has errors of its own.
 */
const AWAY =
  /^(ECONN(REFUSED|RESET)|ENOTFOUND|EAI_AGAIN|E(TIMEDOUT|HOSTUNREACH|NETUNREACH)|28...|3D000|57P0[123]|53300)$/;
const isAway = (error: unknown): boolean => {
  if (!(error instanceof Error) || error.name.startsWith('KafkaJS')) return false;
  return (
    ('code' in error && AWAY.test(String(error.code))) ||
    /timeout (exceeded when trying to connect|expired)|connection terminated/i.test(error.message)
  );
};

/** Who decides, for the audit: the user of this machine unless `--who` says another. */
export const currentUser = (): string => {
  try {
    return userInfo().username;
  } catch {
    // In a container the user may have a number only.
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
};
