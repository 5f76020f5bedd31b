import kafkajs from 'kafkajs';
import type { Admin, Kafka } from 'kafkajs';
import { eventually, openTestKafka } from '#kit';
import type { TestKafka } from '#kit';
import { applyTopics, verifyTopics } from './admin.ts';
import { embeddedShape } from './topics.ts';

/** The broker may be busy with other tests; each wait has its own, shorter bound. */
jest.setTimeout(60_000);

let cluster: TestKafka;
let kafka: Kafka;
let admin: Admin;
let prefix: string;
beforeAll(async () => {
  cluster = await openTestKafka();
  ({ kafka, admin, prefix } = cluster);
});
afterAll(() => cluster.close());

const request = (...topics: readonly string[]) => ({ topics, prefix, shape: embeddedShape });
const write = (topic: string) => cluster.send(topic, 0, [{ value: 'a record' }]);
const settingsOf = async (topic: string): Promise<Record<string, string>> => {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
  });
  return Object.fromEntries(
    (resources[0]?.configEntries ?? []).map(({ configName, configValue }) => [configName, configValue]),
  );
};

test('creates what is missing, ready for records; the second time there is nothing to do', async () => {
  expect((await verifyTopics(kafka, request('a', 'b'))).actions.map(({ kind }) => kind)).toEqual(['create', 'create']);
  const first = await applyTopics(kafka, request('a', 'b'));
  expect(first).toMatchObject({ done: [{ topic: `${prefix}a` }, { topic: `${prefix}b` }], problems: [] });
  const { topics } = await admin.fetchTopicMetadata({ topics: [`${prefix}a`, `${prefix}b`] });
  expect(topics.flatMap(({ partitions }) => partitions.map(({ leader }) => leader >= 0))).toEqual(Array(6).fill(true));
  await write('a');
  expect(await settingsOf(`${prefix}a`)).toMatchObject({
    'min.insync.replicas': '1',
    'message.timestamp.type': 'LogAppendTime',
    'retention.ms': String(embeddedShape.retentionMs),
  });
  expect(await verifyTopics(kafka, request('a', 'b'))).toEqual({ actions: [], problems: [] });
  expect(await applyTopics(kafka, request('a', 'b'))).toEqual({ done: [], problems: [] });
});

test('mends settings and an empty topic, and keeps what is not ours', async () => {
  const topic = `${prefix}mend`;
  await admin.createTopics({
    topics: [
      {
        topic,
        numPartitions: 1,
        replicationFactor: 1,
        configEntries: [
          { name: 'unclean.leader.election.enable', value: 'true' },
          { name: 'segment.bytes', value: '1048576' },
        ],
      },
    ],
  });
  const { done, problems } = await applyTopics(kafka, request('mend'));
  expect({ kinds: done.map(({ kind }) => kind), problems }).toEqual({
    kinds: ['add-partitions', 'configure'],
    problems: [],
  });
  // The controller has it at once; the broker that is asked learns it a moment later.
  await eventually(
    'the broker shows the setting',
    async () => (await settingsOf(topic))['unclean.leader.election.enable'] === 'false',
  );
  expect(await settingsOf(topic)).toMatchObject({
    'unclean.leader.election.enable': 'false',
    'segment.bytes': '1048576',
  });
  expect((await admin.fetchTopicMetadata({ topics: [topic] })).topics[0]?.partitions).toHaveLength(3);
  expect(await verifyTopics(kafka, request('mend'))).toEqual({ actions: [], problems: [] });
});

test('leaves the partitions of a topic with records alone and says so', async () => {
  const topic = `${prefix}full`;
  await admin.createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor: 1 }] });
  await write('full');
  const { problems } = await applyTopics(kafka, request('full'));
  expect(problems).toEqual([expect.stringContaining(`${topic} has 1 partitions and records`)]);
  expect((await admin.fetchTopicMetadata({ topics: [topic] })).topics[0]?.partitions).toHaveLength(1);
});

test('three replicas on one broker: nothing is created, and it says why', async () => {
  const { actions, problems } = await verifyTopics(kafka, {
    ...request('wide'),
    shape: { ...embeddedShape, replicationFactor: 3 },
  });
  expect({ actions, problems }).toEqual({
    actions: [],
    problems: [expect.stringContaining('the cluster has 1 broker(s)')],
  });
});
