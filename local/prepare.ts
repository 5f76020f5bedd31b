import { ownTopics } from '#catalogue';
import { registerSchemas } from '#envelope';
import { applyPartitions } from '#operate';
import { kafkaSettings, readConfig, registrySettings } from '#platform/config';
import type { Environment } from '#platform/config';
import { applyTopics, createKafka, embeddedShape, productionShape } from '#kafka';
import { createLogger } from '#platform/log';
import { codeOf } from '#platform/log';
import { createDatabase, migrate } from '#platform/postgres';
import { now } from '#platform/time';
import { LaunchFailure, StoppedWhileStarting } from './launch-failure.ts';
import { secondsSince } from './progress.ts';
import type { Report } from './progress.ts';

/** Kafka answers in milliseconds here; a node that has just started may need a few tries. */
const kafkaOptions = {
  clientId: 'dakia-prepare',
  requestTimeoutMs: 10_000,
  retry: { retries: 8, initialRetryTime: 200, maxRetryTime: 2_000 },
};

/**
 * Brings topics, schema subjects and the database to what the
 * services of this checkout expect. Doing it again does nothing.
 */
export const prepare = async (environment: Environment, report: Report, signal: AbortSignal): Promise<void> => {
  const steps: readonly (readonly [string, () => Promise<string>])[] = [
    ['topics', () => prepareTopics(environment)],
    ['schemas', () => prepareSchemas(environment)],
    ['database', () => prepareDatabase(environment)],
  ];
  if (signal.aborted) throw new StoppedWhileStarting('the start was cut short');
  await Promise.all(steps.map((step) => timed(step, report)));
};

const timed = async ([name, step]: readonly [string, () => Promise<string>], report: Report): Promise<void> => {
  const started = performance.now();
  try {
    report(name, `${await step()} (${secondsSince(started)})`);
  } catch (error) {
    throw new LaunchFailure(
      codeOf('start', 'prepare'),
      `${name}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
};

const prepareTopics = async (environment: Environment): Promise<string> => {
  const read = readConfig(kafkaSettings, environment);
  if (!read.ok) throw new Error(read.issues.join('; '));
  const { kafka } = createKafka(read.value, createLogger('prepare', 'fatal'), kafkaOptions);
  const brokers = await brokerCount(kafka);
  // Somebody else's cluster of several nodes gets what production gets.
  const shape = brokers >= productionShape.replicationFactor ? productionShape : embeddedShape;
  const { done, problems } = await applyTopics(kafka, { topics: ownTopics, prefix: read.value.topicPrefix, shape });
  const created = done.filter(({ kind }) => kind === 'create').length;
  return [
    `${ownTopics.length} topics are there, ${created} of them new`,
    ...problems.map((problem) => `\n  ${problem}`),
  ].join('');
};

const brokerCount = async (kafka: ReturnType<typeof createKafka>['kafka']): Promise<number> => {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return (await admin.describeCluster()).brokers.length;
  } finally {
    await admin.disconnect();
  }
};

const prepareSchemas = async (environment: Environment): Promise<string> => {
  const read = readConfig({ ...registrySettings, topicPrefix: kafkaSettings.topicPrefix }, environment);
  if (!read.ok) throw new Error(read.issues.join('; '));
  const { schemaRegistryUrl: url, topicPrefix } = read.value;
  if (url === undefined) return 'no registry is set: the bundled schema is used alone';
  const id = await registerSchemas(
    url,
    ownTopics.map((topic) => `${topicPrefix}${topic}`),
  );
  return `the envelope has id ${id} under ${ownTopics.length} subjects`;
};

const prepareDatabase = async ({ DATABASE_URL: url = '' }: Environment): Promise<string> => {
  const applied = await migrate(url, () => undefined);
  const database = createDatabase({ url, poolSize: 1, applicationName: 'dakia-prepare' });
  try {
    const made = await applyPartitions(database, now());
    return (
      `${applied.length === 0 ? 'up to date' : `${applied.length} migrations applied`}, ${made.length} ` +
      'daily partitions made'
    );
  } finally {
    await database.close();
  }
};
