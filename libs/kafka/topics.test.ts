import { deadLetterTopicOf, KEPT_DAYS, QUARANTINE_TOPIC, topics } from '#catalogue';
import { describeTopicAction, planTopics } from './topics.ts';
import type { ActualTopic, TopicSettings, TopicShape } from './topics.ts';

const FOR_PEOPLE_MS = KEPT_DAYS.forPeople * 86_400_000;
const shape: TopicShape = { partitions: 12, replicationFactor: 3, minInsyncReplicas: 2, retentionMs: 1_000 };
const good: TopicSettings = {
  'cleanup.policy': 'delete',
  'max.message.bytes': '2097152',
  'message.timestamp.type': 'LogAppendTime',
  'min.insync.replicas': '2',
  'retention.bytes': '-1',
  'retention.ms': '1000',
  'unclean.leader.election.enable': 'false',
};
const topic = (over: Partial<ActualTopic> = {}): ActualTopic => ({
  name: 'p.t',
  partitions: 12,
  replicationFactor: 3,
  written: true,
  effective: good,
  own: good,
  ...over,
});
const withSettings = (settings: TopicSettings) =>
  topic({ effective: { ...good, ...settings }, own: { ...good, ...settings } });
const wanted = { topics: ['t'], prefix: 'p.', shape };
const plan = (...actual: readonly ActualTopic[]) => planTopics(wanted, actual, 3);
const without = (settings: TopicSettings, name: string) =>
  Object.fromEntries(Object.entries(settings).filter(([setting]) => setting !== name));

describe('plan of topics', () => {
  test('a topic that is as wanted needs nothing', () => {
    expect(plan(topic())).toEqual({ actions: [], problems: [] });
  });

  test('a missing topic is created with every setting on the topic itself', () => {
    expect(plan()).toEqual({
      actions: [{ kind: 'create', topic: 'p.t', partitions: 12, replicationFactor: 3, settings: good }],
      problems: [],
    });
  });

  test.each([
    [
      'an empty topic with fewer partitions gets more',
      topic({ partitions: 3, written: false }),
      'add partitions to p.t: 3 to 12; it holds no record yet',
    ],
    [
      'min.insync.replicas is raised',
      withSettings({ 'min.insync.replicas': '1' }),
      'set on p.t: min.insync.replicas=2',
    ],
    [
      'min.insync.replicas of the brokers does not count',
      topic({ own: without(good, 'min.insync.replicas') }),
      'set on p.t: min.insync.replicas=2',
    ],
    ['retention is raised', withSettings({ 'retention.ms': '999' }), 'set on p.t: retention.ms=1000'],
    [
      'longer retention of the brokers is written down on the topic',
      topic({ effective: { ...good, 'retention.ms': '5000' }, own: without(good, 'retention.ms') }),
      'set on p.t: retention.ms=5000',
    ],
    ['a size limit is lifted', withSettings({ 'retention.bytes': '1000' }), 'set on p.t: retention.bytes=-1'],
    [
      'an unclean election is forbidden',
      withSettings({ 'unclean.leader.election.enable': 'true' }),
      'set on p.t: unclean.leader.election.enable=false',
    ],
    ['compaction is turned off', withSettings({ 'cleanup.policy': 'compact' }), 'set on p.t: cleanup.policy=delete'],
    [
      'larger batches are let in',
      withSettings({ 'max.message.bytes': '1048588' }),
      'set on p.t: max.message.bytes=2097152',
    ],
    [
      "the broker's clock is used",
      withSettings({ 'message.timestamp.type': 'CreateTime' }),
      'set on p.t: message.timestamp.type=LogAppendTime',
    ],
    [
      'more in-sync replicas than replicas would refuse every record',
      withSettings({ 'min.insync.replicas': '4' }),
      'set on p.t: min.insync.replicas=3',
    ],
  ])('is safe: %s', (_case, actual, line) => {
    const { actions, problems } = plan(actual);
    expect({ lines: actions.map(describeTopicAction), problems }).toEqual({ lines: [line], problems: [] });
  });

  test.each([
    ['longer retention', { 'retention.ms': '5000' }],
    ['endless retention', { 'retention.ms': '-1' }],
    ['more in-sync replicas', { 'min.insync.replicas': '3' }],
    ['larger batches', { 'max.message.bytes': '9000000' }],
    ['a setting that is none of ours', { 'segment.bytes': '1000000' }],
  ])('is left as it is: %s', (_case, settings) => {
    expect(plan(withSettings(settings))).toEqual({ actions: [], problems: [] });
  });

  test('a change keeps the settings that are none of ours, because the request replaces them all', () => {
    expect(plan(withSettings({ 'segment.bytes': '1000000', 'min.insync.replicas': '1' })).actions).toEqual([
      {
        kind: 'configure',
        topic: 'p.t',
        changes: { 'min.insync.replicas': '2' },
        settings: { ...good, 'segment.bytes': '1000000' },
      },
    ]);
  });

  test.each([
    ['more partitions than wanted', topic({ partitions: 24 }), 'Kafka cannot take partitions away'],
    ['fewer partitions, and records', topic({ partitions: 3 }), 'would move keys'],
    ['fewer replicas', topic({ replicationFactor: 2 }), 'kafka-reassign-partitions'],
  ])('is for a person to decide: %s', (_case, actual, reason) => {
    expect(plan(actual)).toEqual({ actions: [], problems: [expect.stringContaining(reason)] });
  });

  test('more replicas than wanted are fine', () => {
    expect(planTopics({ ...wanted, shape: { ...shape, replicationFactor: 2 } }, [topic()], 3)).toEqual({
      actions: [],
      problems: [],
    });
  });

  test.each([
    ['dead letters', deadLetterTopicOf('payments'), FOR_PEOPLE_MS],
    ['the quarantine', QUARANTINE_TOPIC, FOR_PEOPLE_MS],
    ['events', topics[0] ?? '', 1_000],
  ])('retention of %s', (_case, name, expected) => {
    const { actions } = planTopics({ ...wanted, topics: [name] }, [], 3);
    expect(actions).toMatchObject([
      { kind: 'create', topic: `p.${name}`, partitions: 12, settings: { 'retention.ms': String(expected) } },
    ]);
  });

  test('a longer retention that was asked for is that of dead letters too', () => {
    const { actions } = planTopics(
      { ...wanted, topics: [deadLetterTopicOf('refunds')], shape: { ...shape, retentionMs: FOR_PEOPLE_MS + 1 } },
      [],
      3,
    );
    expect(actions).toMatchObject([{ settings: { 'retention.ms': String(FOR_PEOPLE_MS + 1) } }]);
  });

  test('too few brokers for the replicas: nothing is created', () => {
    expect(planTopics(wanted, [], 1)).toEqual({
      actions: [],
      problems: [expect.stringContaining('the cluster has 1 broker(s)')],
    });
  });

  test('more in-sync replicas wanted than replicas is refused as a whole', () => {
    expect(planTopics({ ...wanted, shape: { ...shape, minInsyncReplicas: 4 } }, [], 3)).toEqual({
      actions: [],
      problems: [expect.stringContaining('would refuse every record')],
    });
  });
});
