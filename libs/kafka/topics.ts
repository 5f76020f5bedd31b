import { KEPT_DAYS, leastDaysOf } from '#catalogue';

/** How a deployment wants its topics. `retentionMs` and `minInsyncReplicas` are floors: more is never taken away. */
export interface TopicShape {
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly minInsyncReplicas: number;
  readonly retentionMs: number;
}

const DAY_MS = 86_400_000;
/** Three copies, two of them confirmed: one broker can go without loss and without a stop. */
export const productionShape: TopicShape = {
  partitions: 12,
  replicationFactor: 3,
  minInsyncReplicas: 2,
  retentionMs: KEPT_DAYS.events * DAY_MS,
};
/** The single broker of `npm start` and of the tests. */
export const embeddedShape: TopicShape = {
  partitions: 3,
  replicationFactor: 1,
  minInsyncReplicas: 1,
  retentionMs: KEPT_DAYS.events * DAY_MS,
};

/** The shape of one topic of the catalogue. */
const shapeOfTopic = (topic: string, shape: TopicShape): TopicShape => ({
  ...shape,
  retentionMs: Math.max(shape.retentionMs, leastDaysOf(topic) * DAY_MS),
});

/** Largest batch a broker takes, in bytes: a body of 1 MiB, its envelope, and room for others in the batch. */
export const TOPIC_MAX_BATCH_BYTES = 2 * 1024 * 1024;

/** Name and value of a topic's setting, as Kafka has them. */
export type TopicSettings = Readonly<Record<string, string>>;

export interface TopicsRequest {
  /** Names from the catalogue. */
  readonly topics: readonly string[];
  readonly prefix: string;
  readonly shape: TopicShape;
}

/** What Kafka says of a topic. */
export interface ActualTopic {
  /** With the deployment's prefix. */
  readonly name: string;
  readonly partitions: number;
  /** Of the partition that has the fewest replicas. */
  readonly replicationFactor: number;
  /** True when a record was ever written to it, even if retention has dropped it since. */
  readonly written: boolean;
  /** In force, wherever it comes from. */
  readonly effective: TopicSettings;
  /** Set on the topic itself. */
  readonly own: TopicSettings;
}

export type TopicAction =
  | {
      readonly kind: 'create';
      readonly topic: string;
      readonly partitions: number;
      readonly replicationFactor: number;
      readonly settings: TopicSettings;
    }
  | {
      readonly kind: 'configure';
      readonly topic: string;
      readonly changes: TopicSettings /** All settings of the topic afterwards. */;
      readonly settings: TopicSettings;
    }
  | { readonly kind: 'add-partitions'; readonly topic: string; readonly from: number; readonly to: number };

/** `actions`: what differs and is safe to change. `problems`: what only a person can decide. */
export interface TopicPlan {
  readonly actions: readonly TopicAction[];
  readonly problems: readonly string[];
}

/** A setting is the given text, or a number that may be larger; for retention -1 is without end. */
type Wanted = { readonly exactly: string } | { readonly atLeast: number };

/**
 * Settings of every topic, always set on the topic itself: with ELR, on in a freshly formatted 4.x
 * cluster, a broker's own `min.insync.replicas` is ignored (docs/reference/clients.md).
 * `LogAppendTime`: retention counts from the broker's clock, so that no clock of ours can make it
 * drop a record early (OpenMeter #5005). No size limit and no compaction: both drop records unread.
 */
const wantedSettings = (shape: TopicShape): Readonly<Record<string, Wanted>> => ({
  'cleanup.policy': { exactly: 'delete' },
  'max.message.bytes': { atLeast: TOPIC_MAX_BATCH_BYTES },
  'message.timestamp.type': { exactly: 'LogAppendTime' },
  'min.insync.replicas': { atLeast: shape.minInsyncReplicas },
  'retention.bytes': { exactly: '-1' },
  'retention.ms': { atLeast: shape.retentionMs },
  'unclean.leader.election.enable': { exactly: 'false' },
});

/** What to do about each wanted topic, which are catalogue names. Pure; nothing here deletes, shrinks or shortens. */
export const planTopics = (
  { topics, prefix, shape }: TopicsRequest,
  actual: readonly ActualTopic[],
  brokers: number,
): TopicPlan => {
  if (shape.minInsyncReplicas > shape.replicationFactor) {
    return {
      actions: [],
      problems: [
        `min.insync.replicas ${shape.minInsyncReplicas} with ${shape.replicationFactor} replica(s) would refuse ` +
          `every record; ask for at most ${shape.replicationFactor}`,
      ],
    };
  }
  const found = new Map(actual.map((topic) => [topic.name, topic]));
  const plans = topics.map((topic) => {
    const [name, wanted] = [`${prefix}${topic}`, shapeOfTopic(topic, shape)];
    const existing = found.get(name);
    return existing === undefined ? planNew(name, wanted, brokers) : planExisting(existing, wanted);
  });
  return { actions: plans.flatMap((plan) => plan.actions), problems: plans.flatMap((plan) => plan.problems) };
};

const planNew = (name: string, shape: TopicShape, brokers: number): TopicPlan => {
  if (brokers < shape.replicationFactor) {
    return {
      actions: [],
      problems: [
        `${name} cannot be created with ${shape.replicationFactor} replicas: the cluster has ${brokers} ` +
          'broker(s); add brokers or ask for fewer replicas',
      ],
    };
  }
  const settings = Object.fromEntries(
    Object.entries(wantedSettings(shape)).map(([setting, wanted]) => [setting, textOf(wanted)]),
  );
  return {
    actions: [
      {
        kind: 'create',
        topic: name,
        partitions: shape.partitions,
        replicationFactor: shape.replicationFactor,
        settings,
      },
    ],
    problems: [],
  };
};

const planExisting = (topic: ActualTopic, shape: TopicShape): TopicPlan => {
  const partitions = planPartitions(topic, shape.partitions);
  const changes = changesOf(topic, shape);
  const configure: readonly TopicAction[] =
    Object.keys(changes).length === 0
      ? []
      : [{ kind: 'configure', topic: topic.name, changes, settings: { ...topic.own, ...changes } }];
  const replicas =
    topic.replicationFactor < shape.replicationFactor
      ? [
          `${topic.name} has ${topic.replicationFactor} replica(s), wanted ${shape.replicationFactor}; move it ` +
            'with kafka-reassign-partitions, which copies data between brokers',
        ]
      : [];
  return { actions: [...partitions.actions, ...configure], problems: [...partitions.problems, ...replicas] };
};

/** A key's partition depends on the number of partitions, and one key must have one order. */
const planPartitions = (topic: ActualTopic, wanted: number): TopicPlan => {
  if (topic.partitions === wanted) return { actions: [], problems: [] };
  if (topic.partitions > wanted) {
    return {
      actions: [],
      problems: [
        `${topic.name} has ${topic.partitions} partitions, wanted ${wanted}; Kafka cannot take partitions away, ` +
          `ask for ${topic.partitions}`,
      ],
    };
  }
  if (topic.written) {
    return {
      actions: [],
      problems: [
        `${topic.name} has ${topic.partitions} partitions and records, wanted ${wanted}; more partitions would ` +
          `move keys away from their earlier events, ask for ${topic.partitions}`,
      ],
    };
  }
  return { actions: [{ kind: 'add-partitions', topic: topic.name, from: topic.partitions, to: wanted }], problems: [] };
};

const changesOf = (topic: ActualTopic, shape: TopicShape): TopicSettings => {
  const changes: Record<string, string> = {};
  for (const [setting, wanted] of Object.entries(wantedSettings(shape))) {
    const target = targetOf(setting, wanted, topic);
    if (topic.own[setting] !== target) changes[setting] = target;
  }
  return changes;
};

/**
 * A larger number in force is kept, and written down on the topic, so that no later change of the brokers lowers it.
 */
const targetOf = (setting: string, wanted: Wanted, topic: ActualTopic): string => {
  if ('exactly' in wanted) return wanted.exactly;
  const inForce = Number(topic.effective[setting] ?? Number.NaN);
  if (setting === 'retention.ms' && inForce === -1) return '-1';
  const target = Number.isNaN(inForce) ? wanted.atLeast : Math.max(inForce, wanted.atLeast);
  // More in-sync replicas than replicas would refuse every record.
  return String(setting === 'min.insync.replicas' ? Math.min(target, topic.replicationFactor) : target);
};

const textOf = (wanted: Wanted): string => ('exactly' in wanted ? wanted.exactly : String(wanted.atLeast));

/** One line for a person. */
export const describeTopicAction = (action: TopicAction): string => {
  switch (action.kind) {
    case 'create':
      return `create ${action.topic}: ${action.partitions} partition(s), ${action.replicationFactor} replica(s)`;
    case 'configure':
      return `set on ${action.topic}: ${Object.entries(action.changes)
        .map(([setting, value]) => `${setting}=${value}`)
        .join(', ')}`;
    case 'add-partitions':
      return `add partitions to ${action.topic}: ${action.from} to ${action.to}; it holds no record yet`;
  }
};
