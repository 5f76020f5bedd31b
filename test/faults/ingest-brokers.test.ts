import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Admin } from 'kafkajs';
import { topics } from '#catalogue';
import { eventually, openTestKafka } from '#kit';
import type { TestKafka } from '#kit';
import { serverFiles, silent, startKafka, stateFolder } from '#local';
import type { Kafka, KafkaNode } from '#local';
import { captured, post, SECRET } from '../kit/ingest/deliveries.ts';
import { startIngest } from '../kit/ingest/process.ts';
import type { IngestProcess } from '../kit/ingest/process.ts';

const SECOND = 1_000;
const PAYMENTS = 'rzp.payments.v1';
const PARTITIONS = 3;
/** Deliveries on their way at once, and the pause of each lane between two, in ms. */
const LANES = 20;
const PAUSE_MS = 20;
/**
 * Every delivery is answered within 3.5 s, and 3 s after the fault
 * with 200; the machine of the tests may add this, in ms.
 */
const SLACK_MS = 1_000;
const ANSWERED_WITHIN_MS = 3_500;
const BACK_WITHIN_MS = 3_000;
/** How long three brokers on a busy machine may take to go on without one of theirs. */
const MOVED_WITHIN_MS = 60_000;

let root = '';
let cluster: Kafka;
let kafka: TestKafka;
let ingest: IngestProcess;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'dakia-brokers-'));
  chmodSync(root, 0o755);
  cluster = await startKafka({
    files: await serverFiles(silent),
    folder: stateFolder(root),
    report: silent,
    ports: [0, 0, 0],
  });
  kafka = await openTestKafka({ KAFKA_BROKERS: cluster.addresses.plain });
  await kafka.admin.createTopics({
    waitForLeaders: false,
    topics: topics.map((topic) => ({
      topic: `${kafka.prefix}${topic}`,
      numPartitions: PARTITIONS,
      replicationFactor: 3,
      configEntries: [{ name: 'min.insync.replicas', value: '2' }],
    })),
  });
  await allInSync();
  ingest = await startIngest({
    KAFKA_BROKERS: cluster.addresses.plain,
    DAKIA_TOPIC_PREFIX: kafka.prefix,
    RAZORPAY_WEBHOOK_SECRETS: SECRET,
  });
}, 120 * SECOND);
afterAll(async () => {
  try {
    ingest.kill('SIGKILL');
    await ingest.exited;
  } finally {
    // Also when it never started: brokers that are left would run on.
    for (const { server } of cluster.nodes) if (server.isRunning()) server.thaw();
    await Promise.allSettled([kafka.close()]);
    await cluster.stop();
    rmSync(root, { recursive: true, force: true });
  }
}, 60 * SECOND);

const partitionsOf = async (admin: Admin) =>
  (await admin.fetchTopicMetadata({ topics: [`${kafka.prefix}${PAYMENTS}`] })).topics[0]?.partitions ?? [];
const allInSync = (): Promise<unknown> =>
  eventually(
    'every copy in sync and led',
    async () => {
      const partitions = await partitionsOf(kafka.admin);
      return partitions.length === PARTITIONS && partitions.every(({ isr, leader }) => isr.length === 3 && leader > 0);
    },
    60 * SECOND,
  );
const leaderNow = async (): Promise<KafkaNode> => {
  const leader = (await partitionsOf(kafka.admin))[0]?.leader ?? 0;
  const node = cluster.nodes[leader - 1];
  if (node === undefined) throw new Error(`no node leads: ${leader}`);
  return node;
};

interface Answered {
  readonly id: string;
  readonly status: number;
  readonly sentAt: number;
  readonly ms: number;
}
let sequence = 0;

/** Deliveries without a stop. */
const load = () => {
  const answers: Answered[] = [];
  let isOn = true;
  const lane = async (): Promise<void> => {
    while (isOn) {
      const id = `pay_${sequence++}`;
      const sentAt = performance.now();
      const { status } = await post(ingest.port, { body: captured(id), eventId: id });
      answers.push({ id, status, sentAt, ms: performance.now() - sentAt });
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  };
  const lanes = Promise.all(Array.from({ length: LANES }, lane));
  return {
    answers,
    end: async (): Promise<readonly Answered[]> => {
      isOn = false;
      await lanes;
      return answers;
    },
  };
};

/**
 * Settles with the time when the other brokers lead every partition, and wait for the harmed one no more: until then
 * Kafka itself takes nothing. On a busy machine that alone may take longer than ingest has.
 */
const kafkaGoesOn = (others: TestKafka, harmed: KafkaNode): Promise<number> => {
  const id = cluster.nodes.indexOf(harmed) + 1;
  return eventually(
    'Kafka goes on without the harmed broker',
    async () => {
      const partitions = await partitionsOf(others.admin);
      return (
        partitions.length === PARTITIONS &&
        partitions.every(({ leader, isr }) => leader > 0 && leader !== id && !isr.includes(id)) &&
        performance.now()
      );
    },
    MOVED_WITHIN_MS,
  );
};

interface Fault {
  /** The broker that is harmed, of those that there are. */
  readonly harmed: (leader: KafkaNode) => KafkaNode;
  readonly happens: (harmed: KafkaNode) => void | Promise<void>;
  readonly ends: (harmed: KafkaNode) => void | Promise<void>;
}

/** Runs a fault under load and judges the answers around it. */
const under = async ({ harmed: choose, happens, ends }: Fault): Promise<void> => {
  await allInSync();
  const harmed = choose(await leaderNow());
  const others = await openTestKafka({
    KAFKA_BROKERS: cluster.nodes
      .filter((node) => node !== harmed)
      .map(({ address }) => address)
      .join(','),
  });
  const running = load();
  await eventually('deliveries flow', () => running.answers.filter(({ status }) => status === 200).length > 100);
  const brokeAt = performance.now();
  const breaking = happens(harmed);
  const movedAt = await kafkaGoesOn(others, harmed);
  const backAt = Math.max(brokeAt + BACK_WITHIN_MS, movedAt) + SLACK_MS;
  await eventually(
    'deliveries for a while after it',
    () => running.answers.some(({ sentAt }) => sentAt > backAt + 2 * SECOND),
    30 * SECOND,
  );
  const answers = await running.end();
  await breaking;
  await ends(harmed);
  await others.close();

  const statuses = new Set(answers.map(({ status }) => status));
  expect([...statuses].filter((status) => status !== 200 && status !== 503)).toEqual([]);
  expect(Math.max(...answers.map(({ ms }) => ms))).toBeLessThan(ANSWERED_WITHIN_MS + SLACK_MS);
  const late = answers.filter(({ sentAt, status }) => sentAt > backAt && status !== 200);
  expect(late).toEqual([]);
  const keys = await storedKeys();
  expect(answers.filter(({ id, status }) => status === 200 && !keys.has(id))).toEqual([]);
};

/** Payment ids in the topic, once all its partitions are led again. */
const storedKeys = async (): Promise<ReadonlySet<string>> => {
  await allInSync();
  const topic = `${kafka.prefix}${PAYMENTS}`;
  const ends = new Map(
    (await kafka.admin.fetchTopicOffsets(topic)).map(({ partition, high }) => [partition, Number(high)]),
  );
  const keys = new Set<string>();
  const reached = new Map<number, number>();
  const consumer = kafka.kafka.consumer({ groupId: `${topic}-${sequence++}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ partition, message: { key, offset } }) => {
      keys.add(key?.toString() ?? '');
      reached.set(partition, Number(offset) + 1);
    },
  });
  await eventually(
    'all records read',
    () => [...ends].every(([partition, end]) => (reached.get(partition) ?? 0) >= end),
    30 * SECOND,
  );
  await consumer.disconnect();
  return keys;
};

const leads = (leader: KafkaNode): KafkaNode => leader;
const follows = (leader: KafkaNode): KafkaNode => {
  const found = cluster.nodes.find((node) => node !== leader);
  if (found === undefined) throw new Error('there is no follower');
  return found;
};
const freeze = ({ server }: KafkaNode): void => server.freeze();
const thaw = ({ server }: KafkaNode): void => server.thaw();

test(
  'the leader is killed: every delivery answered in time, 200 again within 3 s, no 200 lost',
  () => under({ harmed: leads, happens: ({ server }) => server.kill(), ends: ({ server }) => server.start() }),
  120 * SECOND,
);

test(
  'the leader is frozen: every delivery answered in time, 200 again within 3 s, no 200 lost',
  () => under({ harmed: leads, happens: freeze, ends: thaw }),
  120 * SECOND,
);

test('a follower is frozen: the same', () => under({ harmed: follows, happens: freeze, ends: thaw }), 120 * SECOND);
