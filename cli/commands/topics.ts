import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { Option } from 'commander';
import type { Command } from 'commander';
import { KEPT_DAYS, ownTopics } from '#catalogue';
import { applyTopics, describeTopicAction, embeddedShape, productionShape, verifyTopics } from '#kafka';
import type { TopicShape } from '#kafka';
import { openKafka } from '../connections.ts';
import { dataDirOf, environmentOf, exitCodes, print, printJson, readIfThere, wholeNumber } from '../output.ts';

interface Options {
  readonly shape?: 'production' | 'embedded';
  readonly partitions?: number;
  readonly replicationFactor?: number;
  readonly minInsyncReplicas?: number;
  readonly retentionDays?: number;
  readonly json: boolean;
}

const [PARTITIONS_MAX, REPLICAS_MAX, RETENTION_DAYS_MAX, DAY_MS] = [1_000, 10, 3_650, 86_400_000];

export const addTopics = (program: Command): void => {
  const group = program.command('topics').description('Create and check the topics. Nothing is ever deleted.');
  add(
    group,
    'apply',
    'Create what is missing and change what is safe; report the rest and exit 1 when there is any.',
    apply,
  );
  add(group, 'verify', 'Say what apply would do, and exit 1 when there is anything.', verify);
};

const add = (
  group: Command,
  name: string,
  description: string,
  action: (options: Options, command: Command) => Promise<void>,
): void => {
  group
    .command(name)
    .description(description)
    .addOption(
      new Option(
        '--shape <name>',
        `production: ${describeShape(productionShape)}; embedded: ${describeShape(embeddedShape)} (default: ` +
          'production, or embedded for the Kafka of npm start)',
      ).choices(['production', 'embedded']),
    )
    .option(
      '--partitions <n>',
      'partitions of every topic, instead of what the shape says',
      wholeNumber(1, PARTITIONS_MAX),
    )
    .option('--replication-factor <n>', 'copies of every partition', wholeNumber(1, REPLICAS_MAX))
    .option('--min-insync-replicas <n>', 'copies that confirm every record', wholeNumber(1, REPLICAS_MAX))
    .option(
      '--retention-days <n>',
      `days that records are kept, at least; dead letters and the quarantine ${KEPT_DAYS.forPeople} or more`,
      wholeNumber(1, RETENTION_DAYS_MAX),
    )
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', `\nExample:\n  npx dakia topics ${name} --partitions 24`)
    .action(action);
};

const describeShape = ({ partitions, replicationFactor, minInsyncReplicas, retentionMs }: TopicShape): string =>
  `${partitions} partitions, ${replicationFactor} copies, ${minInsyncReplicas} confirm, ${retentionMs / DAY_MS} days`;

/**
 * A production cluster is never taken for a small one because some of
 * its brokers are away: only what npm start wrote counts.
 */
const isOfNpmStart = (command: Command): boolean => {
  const started = parseEnv(readIfThere(join(dataDirOf(command), 'env')) ?? '')['KAFKA_BROKERS'];
  return started !== undefined && started === environmentOf(command)['KAFKA_BROKERS'];
};

const shapeOf = (options: Options, command: Command): TopicShape => {
  const shape =
    (options.shape ?? (isOfNpmStart(command) ? 'embedded' : 'production')) === 'embedded'
      ? embeddedShape
      : productionShape;
  return {
    partitions: options.partitions ?? shape.partitions,
    replicationFactor: options.replicationFactor ?? shape.replicationFactor,
    minInsyncReplicas: options.minInsyncReplicas ?? shape.minInsyncReplicas,
    retentionMs: options.retentionDays === undefined ? shape.retentionMs : options.retentionDays * DAY_MS,
  };
};

const apply = async (options: Options, command: Command): Promise<void> => {
  const { kafka, prefix } = await openKafka(command);
  const { done, problems } = await applyTopics(kafka, { topics: ownTopics, prefix, shape: shapeOf(options, command) });
  const ok = problems.length === 0;
  if (options.json) printJson({ ok, done, problems });
  else
    print(
      [
        ...done.map((action) => `done: ${describeTopicAction(action)}`),
        ...problems.map((problem) => `not done: ${problem}`),
        `${ownTopics.length} topics, ${done.length} changes, ${problems.length} problems`,
      ].join('\n'),
    );
  if (!ok) process.exitCode = exitCodes.notAsExpected;
};

const verify = async (options: Options, command: Command): Promise<void> => {
  const { kafka, prefix } = await openKafka(command);
  const { actions, problems } = await verifyTopics(kafka, {
    topics: ownTopics,
    prefix,
    shape: shapeOf(options, command),
  });
  const ok = actions.length === 0 && problems.length === 0;
  if (options.json) printJson({ ok, actions, problems });
  else
    print(
      [
        ...actions.map((action) => `missing: ${describeTopicAction(action)}`),
        ...problems.map((problem) => `problem: ${problem}`),
        ok
          ? `${ownTopics.length} topics are as they should be`
          : `${actions.length} changes to make, ${problems.length} problems`,
      ].join('\n'),
    );
  if (!ok) process.exitCode = exitCodes.notAsExpected;
};
