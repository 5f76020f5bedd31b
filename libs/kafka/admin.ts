import kafkajs from 'kafkajs';
import type { Admin, ITopicMetadata, Kafka } from 'kafkajs';
import { until } from '#platform/time';
import { kafkaErrorType } from './client-log.ts';
import { planTopics } from './topics.ts';
import type { ActualTopic, TopicAction, TopicPlan, TopicShape, TopicsRequest } from './topics.ts';

/** Longest time for one change of a topic on the brokers, in ms. */
const CHANGE_TIMEOUT_MS = 10_000;
/** Longest time until every partition has a leader and enough in-sync replicas, in ms, and between two looks. */
const LEADERS_TIMEOUT_MS = 30_000;
const LEADERS_LOOK_MS = 200;
/** `configSource` of a setting that is set on the topic itself. */
const SET_ON_TOPIC = 1;

export interface AppliedTopics {
  readonly done: readonly TopicAction[];
  /** What is still not as wanted. */
  readonly problems: readonly string[];
}

/** What `applyTopics` would do, and what it would leave to a person. Changes nothing. */
export const verifyTopics = (kafka: Kafka, request: TopicsRequest): Promise<TopicPlan> =>
  withAdmin(kafka, (admin) => readPlan(admin, request));

/**
 * Creates what is missing and changes what is safe; deletes nothing. Applying it again does nothing. Afterwards every
 * topic without a problem takes records. Throws when Kafka cannot be reached or refuses.
 */
export const applyTopics = (kafka: Kafka, request: TopicsRequest): Promise<AppliedTopics> =>
  withAdmin(kafka, async (admin) => {
    const plan = await readPlan(admin, request);
    for (const action of plan.actions) await carryOut(admin, action);
    const changed = plan.actions.filter((action) => action.kind !== 'configure').map((action) => action.topic);
    const waiting = changed.length === 0 ? [] : await waitForLeaders(admin, changed, request.shape);
    return { done: plan.actions, problems: [...plan.problems, ...waiting] };
  });

const withAdmin = async <Answer>(kafka: Kafka, work: (admin: Admin) => Promise<Answer>): Promise<Answer> => {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
};

const readPlan = async (admin: Admin, request: TopicsRequest): Promise<TopicPlan> => {
  const names = request.topics.map((topic) => `${request.prefix}${topic}`);
  const { brokers } = await admin.describeCluster();
  return planTopics(request, await readTopics(admin, names), brokers.length);
};

/** The wanted topics that exist. Only those are asked for: metadata of an unknown topic is retried for seconds. */
const readTopics = async (admin: Admin, wanted: readonly string[]): Promise<readonly ActualTopic[]> => {
  const existing = new Set(await admin.listTopics());
  const names = wanted.filter((name) => existing.has(name));
  if (names.length === 0) return [];
  const { topics } = await admin.fetchTopicMetadata({ topics: names });
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: names.map((name) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name })),
  });
  const settings = new Map(resources.map(({ resourceName, configEntries }) => [resourceName, configEntries]));
  return Promise.all(
    topics.map(async ({ name, partitions }) => {
      const entries = settings.get(name) ?? [];
      const offsets = await admin.fetchTopicOffsets(name);
      return {
        name,
        partitions: partitions.length,
        replicationFactor: Math.min(...partitions.map(({ replicas }) => replicas.length)),
        written: offsets.some(({ high }) => BigInt(high) > 0n),
        effective: settingsOf(entries),
        own: settingsOf(entries.filter(({ configSource }) => Number(configSource) === SET_ON_TOPIC)),
      };
    }),
  );
};

const settingsOf = (
  entries: readonly { readonly configName: string; readonly configValue: string }[],
): Record<string, string> =>
  Object.fromEntries(entries.map(({ configName, configValue }) => [configName, configValue]));

const carryOut = async (admin: Admin, action: TopicAction): Promise<void> => {
  switch (action.kind) {
    case 'create':
      // False when somebody else has just created it; the next verification tells whether it is as wanted.
      await admin.createTopics({
        timeout: CHANGE_TIMEOUT_MS,
        waitForLeaders: false,
        topics: [
          {
            topic: action.topic,
            numPartitions: action.partitions,
            replicationFactor: action.replicationFactor,
            configEntries: entriesOf(action.settings),
          },
        ],
      });
      return;
    case 'configure':
      // The request replaces all settings of the topic, so the ones it already has are sent too.
      await admin.alterConfigs({
        validateOnly: false,
        resources: [
          { type: kafkajs.ConfigResourceTypes.TOPIC, name: action.topic, configEntries: entriesOf(action.settings) },
        ],
      });
      return;
    case 'add-partitions':
      await admin.createPartitions({
        timeout: CHANGE_TIMEOUT_MS,
        topicPartitions: [{ topic: action.topic, count: action.to }],
      });
      return;
  }
};

const entriesOf = (settings: Readonly<Record<string, string>>): { name: string; value: string }[] =>
  Object.entries(settings).map(([name, value]) => ({ name, value }));

/** Waits until the topics take records; names those that do not in time. */
const waitForLeaders = async (
  admin: Admin,
  names: readonly string[],
  shape: TopicShape,
): Promise<readonly string[]> => {
  let waiting = names;
  const areReady = async (): Promise<boolean> => (waiting = await notReady(admin, names, shape)).length === 0;
  await until(LEADERS_TIMEOUT_MS, areReady, LEADERS_LOOK_MS);
  const { partitions, minInsyncReplicas } = shape;
  return waiting.map(
    (name) =>
      `${name} does not have ${partitions} partitions with a leader and ${minInsyncReplicas} in-sync replica(s) ` +
      `after ${LEADERS_TIMEOUT_MS / 1000} s; look at the brokers' logs`,
  );
};

const notReady = async (admin: Admin, names: readonly string[], shape: TopicShape): Promise<readonly string[]> => {
  const topics = await metadataOf(admin, names);
  const ready = topics.filter(
    ({ partitions }) =>
      partitions.length >= shape.partitions &&
      partitions.every(({ leader, isr }) => leader >= 0 && isr.length >= shape.minInsyncReplicas),
  );
  return names.filter((name) => !ready.some((topic) => topic.name === name));
};

/** Errors of a topic that was created a moment ago. */
const NOT_YET = ['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE'];

const metadataOf = async (admin: Admin, names: readonly string[]): Promise<readonly ITopicMetadata[]> => {
  try {
    return (await admin.fetchTopicMetadata({ topics: [...names] })).topics;
  } catch (error) {
    if (NOT_YET.includes(kafkaErrorType(error) ?? '')) return [];
    throw error;
  }
};
