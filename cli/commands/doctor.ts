import type { Command } from 'commander';
import { ownTopics } from '#catalogue';
import { checkSchemas } from '#envelope';
import { kafkaSettings, postgresSettings, postgresTarget, redisSettings, registrySettings } from '#platform/config';
import { adHoc } from '#platform/postgres';
import { examineRedis } from '#platform/redis';
import { openKafka, withDatabase } from '../connections.ts';
import { exitCodes, messageOf, printJson, printList, ServerError, serverErrorOf, settingsOf } from '../output.ts';

/** One server: what was found, or why it could not be used. */
interface Finding {
  readonly server: string;
  readonly ok: boolean;
  readonly found: string;
}

export const addDoctor = (program: Command): void => {
  program
    .command('doctor')
    .description(
      'Ask Kafka, Postgres, Redis and the schema registry whether they answer with these settings. Exits ' +
        '1 when one does not.',
    )
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', '\nExample:\n  npx dakia doctor')
    .action(run);
};

const run = async ({ json }: { readonly json: boolean }, command: Command): Promise<void> => {
  const findings = await Promise.all([
    finding('Kafka', () => askKafka(command)),
    finding('Postgres', () => askPostgres(command)),
    finding('Redis', () => askRedis(command)),
    finding('schema registry', () => askRegistry(command)),
  ]);
  const ok = findings.every((one) => one.ok);
  if (json) printJson({ ok, servers: findings });
  else printList(findings.map(({ server, ok: answers, found }) => [server, answers ? 'ok' : 'FAILED', found]));
  if (!ok) process.exitCode = exitCodes.notAsExpected;
};

const finding = async (server: string, ask: () => Promise<string>): Promise<Finding> => {
  try {
    return { server, ok: true, found: await ask() };
  } catch (error) {
    return { server, ok: false, found: messageOf(serverErrorOf(error)).split('\n')[0] ?? '' };
  }
};

const askKafka = async (command: Command): Promise<string> => {
  const { kafkaBrokers } = settingsOf(command, { kafkaBrokers: kafkaSettings.kafkaBrokers });
  const admin = (await openKafka(command)).kafka.admin();
  await admin.connect();
  try {
    const { brokers, clusterId } = await admin.describeCluster();
    return `${brokers.length} broker(s) of cluster ${clusterId} at ${kafkaBrokers.join(',')}`;
  } finally {
    await admin.disconnect();
  }
};

const askPostgres = (command: Command): Promise<string> => {
  const { databaseUrl } = settingsOf(command, { databaseUrl: postgresSettings.databaseUrl });
  return withDatabase(command, undefined, async (database) => {
    const [row] = await database.query<{ version: string; name: string; user: string }>(
      adHoc(`SELECT current_setting('server_version') AS version, current_database() AS name, current_user AS user`),
    );
    return `version ${row?.version}, database ${row?.name} as ${row?.user} at ${hostsOf(databaseUrl())}`;
  });
};

const askRedis = async (command: Command): Promise<string> => {
  const config = settingsOf(command, redisSettings);
  const { version, warnings } = await examineRedis(config).catch((error: unknown) => {
    throw new ServerError('REDIS_URL', error);
  });
  return [
    `version ${version} at ${new URL(config.redisUrl()).host}`,
    ...warnings.map((warning) => `WARNING: ${warning}`),
  ].join('; ');
};

const askRegistry = async (command: Command): Promise<string> => {
  const { schemaRegistryUrl, topicPrefix } = settingsOf(command, {
    ...registrySettings,
    topicPrefix: kafkaSettings.topicPrefix,
  });
  if (schemaRegistryUrl === undefined) return 'not set: the bundled schema is used alone';
  const subjects = await checkSchemas(
    schemaRegistryUrl,
    ownTopics.map((topic) => `${topicPrefix}${topic}`),
  );
  return (
    `${subjects.filter(({ state }) => state === 'registered').length} of ${subjects.length} subjects ` +
    `registered at ${new URL(schemaRegistryUrl).host}`
  );
};

const hostsOf = (databaseUrl: string): string =>
  (postgresTarget(databaseUrl)?.urls ?? []).map((url) => new URL(url).host).join(', ');
