import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { topics } from '#catalogue';
import { allAggregates } from '#families';
import { retryPolicyOf, retryPolicySettings } from '#parking';
import type { ParkedOptions } from '#parking';
import { kafkaSettings, postgresSettings } from '#platform/config';
import { createKafka, kafkaIssues } from '#platform/kafka';
import type { KafkaClient } from '#platform/kafka';
import { createLogger } from '#platform/log';
import { createDatabase } from '#platform/postgres';
import type { Database } from '#platform/postgres';
import { messageOf, settingsOf, UsageError } from './frame.ts';

/** A person waits: give up after some seconds, with one clear error. */
const KAFKA_OPTIONS = {
  clientId: 'dakia-cli',
  requestTimeoutMs: 10_000,
  retry: { retries: 3, initialRetryTime: 200, maxRetryTime: 2_000 },
};

export interface OpenKafka {
  readonly kafka: KafkaClient['kafka'];
  readonly prefix: string;
  /** Every topic that is consumed, without the prefix. */
  readonly topics: readonly string[];
}

/** Kafka as the settings give it. Nothing is connected yet. */
export const kafkaOf = (command: Command): OpenKafka => {
  const config = settingsOf(command, kafkaSettings);
  const issues = kafkaIssues(config);
  if (issues.length > 0) throw new UsageError(issues.join('\n'));
  // What goes wrong is thrown and printed once; the client's own lines would say it many times.
  return {
    kafka: createKafka(config, createLogger('dakia', 'silent'), KAFKA_OPTIONS).kafka,
    prefix: config.topicPrefix,
    topics,
  };
};

/** Runs `work` over a connection to Postgres with the rights of `role`; without one, with those of the login user. */
export const withDatabase = async <Result>(
  command: Command,
  role: string | undefined,
  work: (database: Database) => Promise<Result>,
): Promise<Result> => {
  const { databaseUrl } = settingsOf(command, { databaseUrl: postgresSettings.databaseUrl });
  const database = createDatabase({
    url: databaseUrl,
    poolSize: 1,
    applicationName: 'dakia-cli',
    ...(role !== undefined && { role }),
  });
  try {
    return await work(database);
  } catch (error) {
    if (isAway(error))
      throw new Error(`DATABASE_URL: Postgres cannot be used with this setting, or is away: ${messageOf(error)}`, {
        cause: error,
      });
    throw error;
  } finally {
    await database.close();
  }
};

/** No connection to Postgres: its address, its user (class 28), its database (3D), or the server. Kafka's client has errors of its own. */
const AWAY =
  /^(ECONN(REFUSED|RESET)|ENOTFOUND|EAI_AGAIN|E(TIMEDOUT|HOSTUNREACH|NETUNREACH)|28...|3D000|57P0[123]|53300)$/;
const isAway = (error: unknown): boolean => {
  if (!(error instanceof Error) || error.name.startsWith('KafkaJS')) return false;
  return (
    ('code' in error && AWAY.test(String(error.code))) ||
    /timeout exceeded when trying to connect|connection terminated/i.test(error.message)
  );
};

/** What the store needs besides a connection to apply what waits: the rules of all families, and when a failure is tried again. */
export const retryOptions = (command: Command): Pick<ParkedOptions, 'aggregates' | 'policy'> => ({
  aggregates: allAggregates,
  policy: retryPolicyOf(settingsOf(command, retryPolicySettings)),
});

/** Who decides, for the audit: the user of this machine unless `--who` says another. */
export const currentUser = (): string => {
  try {
    return userInfo().username;
  } catch {
    // In a container the user may have a number only.
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
};
