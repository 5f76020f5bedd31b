import promClient from 'prom-client';
import { eventually, openTestKafka, testServers } from '#kit';
import type { TestKafka } from '#kit';
import { createLogger } from '#platform/log';
import { instant } from '#rules';
import { PRODUCE, startKafkaProxy } from '../../../test/faults/kafka-proxy.ts';
import type { KafkaProxy } from '../../../test/faults/kafka-proxy.ts';
import type { PublishOutcome } from '../contracts.ts';
import { PUBLISH_DEADLINE_MS } from './batcher.ts';
import { createProducer } from './producer.ts';
import type { KafkaProducer } from './producer.ts';

const SECOND = 1_000;
/** An answer may be this much later than the deadline, in ms: the machine of the tests is busy. */
const SLACK_MS = 700;

let kafka: TestKafka;
let proxy: KafkaProxy;
let producer: KafkaProducer | undefined;
let logged: string[] = [];
let metrics = new promClient.Registry();

beforeEach(async () => {
  kafka = await openTestKafka({ ...process.env, ...testServers() });
  proxy = await startKafkaProxy(kafka.config.kafkaBrokers[0] ?? '');
  await Promise.all([kafka.createTopic('a', 3), kafka.createTopic('b', 3)]);
  logged = [];
  metrics = new promClient.Registry();
}, 30 * SECOND);
afterEach(async () => {
  await producer?.stop(instant(Date.now() + SECOND));
  producer = undefined;
  await proxy.close();
  await kafka.close();
}, 30 * SECOND);

const start = async (topics = ['a', 'b']): Promise<KafkaProducer> => {
  const log = createLogger('test', 'info', { write: (line) => logged.push(line) });
  producer = createProducer({
    config: { ...kafka.config, kafkaBrokers: [proxy.address] },
    log,
    metrics,
    clientId: 'test',
    topics,
  });
  await producer.start();
  return producer;
};
let sequence = 0;
const record = (key = `key-${sequence++}`, bytes = 100) => ({
  key,
  value: Buffer.alloc(bytes, key),
  headers: { 'event-id': key },
});

interface Answer {
  readonly key: string;
  readonly outcome: PublishOutcome;
  readonly ms: number;
}
const publish = async (to: KafkaProducer, topic = 'a', one = record()): Promise<Answer> => {
  const startedAt = performance.now();
  const outcome = await to.publish(topic, one);
  return { key: one.key, outcome, ms: performance.now() - startedAt };
};
const inTime = (answers: readonly Answer[]): void =>
  expect(Math.max(...answers.map(({ ms }) => ms))).toBeLessThan(PUBLISH_DEADLINE_MS + SLACK_MS);
const durableAgain = (to: KafkaProducer, withinMs: number): Promise<true> =>
  eventually('a durable record', async () => (await publish(to)).outcome === 'durable' || undefined, withinMs);
const metric = async (series: string): Promise<number> =>
  Number(new RegExp(`^${series.replace(/[{}"]/g, '\\$&')} (.*)$`, 'm').exec(await metrics.metrics())?.[1] ?? 0);

interface Stored {
  readonly partition: number;
  readonly key: string;
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}
/** Everything in a topic, in the order of its partitions. */
const storedIn = async (topic: string): Promise<readonly Stored[]> => {
  const offsets = await kafka.admin.fetchTopicOffsets(`${kafka.prefix}${topic}`);
  const wanted = offsets.reduce((sum, { high }) => sum + Number(high), 0);
  const stored: Stored[] = [];
  const consumer = kafka.kafka.consumer({ groupId: `${kafka.prefix}read-${sequence++}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic: `${kafka.prefix}${topic}`, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ partition, message: { key, value, headers } }) => {
      stored.push({
        partition,
        key: key?.toString() ?? '',
        value: value ?? Buffer.alloc(0),
        headers: Object.fromEntries(
          Object.entries(headers ?? {}).map(([name, text]) => [name, text?.toString() ?? '']),
        ),
      });
    },
  });
  await eventually('all records read', () => stored.length >= wanted, 30 * SECOND);
  await consumer.disconnect();
  return stored;
};
const keysIn = async (topic: string): Promise<ReadonlySet<string>> =>
  new Set((await storedIn(topic)).map(({ key }) => key));

test(
  'durable records are in Kafka with key, value and headers, one key in one partition',
  async () => {
    const to = await start();
    const records = Array.from({ length: 500 }, (_, index) => record(`schlüssel-${index % 50}`));
    const answers = await Promise.all(records.map((one) => publish(to, 'a', one)));
    expect(new Set(answers.map(({ outcome }) => outcome))).toEqual(new Set(['durable']));
    const stored = await storedIn('a');
    expect(stored).toHaveLength(500);
    const [sent] = records;
    expect(stored.find(({ key }) => key === sent?.key)).toMatchObject({ value: sent?.value, headers: sent?.headers });
    const partitionsOf = new Map<string, Set<number>>();
    for (const { key, partition } of stored) partitionsOf.set(key, (partitionsOf.get(key) ?? new Set()).add(partition));
    expect([...partitionsOf.values()].map(({ size }) => size)).toEqual(Array.from({ length: 50 }, () => 1));
    expect(await metric('dakia_producer_batch_records_count{client="test"}')).toBeLessThan(100);
  },
  60 * SECOND,
);

test(
  'lost responses: every answer in time, and every durable record is there, although batches overlap',
  async () => {
    const to = await start();
    await publish(to);
    proxy.loseResponses(PRODUCE, 2);
    const answers = await Promise.all(Array.from({ length: 700 }, () => publish(to)));
    inTime(answers);
    await durableAgain(to, 3 * SECOND);
    const durable = answers.filter(({ outcome }) => outcome === 'durable');
    expect(durable.length).toBeGreaterThan(0);
    const keys = await keysIn('a');
    expect(durable.filter(({ key }) => !keys.has(key))).toEqual([]);
  },
  60 * SECOND,
);

test(
  'a frozen broker: every answer in time, fast refusals, durable again when it wakes up',
  async () => {
    const to = await start();
    await publish(to);
    proxy.freeze();
    const first = await Promise.all(Array.from({ length: 5 }, () => publish(to)));
    inTime(first);
    expect(first.map(({ outcome }) => outcome)).toEqual(first.map(() => 'unknown'));
    await eventually('Kafka taken for down', () => to.reluctance() === 'kafka-down' || (void publish(to), false));
    const refused = await publish(to);
    expect(refused.outcome).toBe('overloaded');
    expect(refused.ms).toBeLessThan(200);
    proxy.thaw();
    await durableAgain(to, 6 * SECOND);
  },
  60 * SECOND,
);

const GIB = 1024 ** 3;

test(
  'an unreachable cluster: answers in time, memory stays flat, durable again when it is back',
  async () => {
    const to = await start();
    await publish(to);
    await proxy.goAway();
    const heldBefore = process.memoryUsage().rss;
    const counts: Record<PublishOutcome, number> = { durable: 0, overloaded: 0, unknown: 0 };
    let [sent, slowestMs] = [0, 0];
    for (const until = performance.now() + 5 * SECOND; performance.now() < until || sent * 10_000 < GIB; sent++) {
      void publish(to, 'a', record(`down-${sent}`, 10_000)).then(({ outcome, ms }) => {
        counts[outcome]++;
        slowestMs = Math.max(slowestMs, ms);
      });
      if (sent % 500 === 0) await new Promise(setImmediate);
    }
    await eventually('all answered', () => counts.overloaded + counts.unknown === sent);
    expect(slowestMs).toBeLessThan(PUBLISH_DEADLINE_MS + SLACK_MS);
    expect(counts.durable).toBe(0);
    // Garbage that is not collected yet included; a producer that held what it refused would hold all of it.
    expect(process.memoryUsage().rss - heldBefore).toBeLessThan(0.4 * GIB);
    expect(await metric('dakia_producer_unanswered_bytes{client="test"}')).toBe(0);
    expect(logged.filter((line) => line.includes('no broker can be reached')).length).toBeLessThanOrEqual(1);
    await proxy.comeBack();
    await durableAgain(to, 6 * SECOND);
  },
  60 * SECOND,
);

test(
  'a connection that died without a word: answered in time, and the next record is durable',
  async () => {
    const to = await start();
    await publish(to);
    proxy.severSilently();
    const first = await publish(to);
    inTime([first]);
    expect(first.outcome).toBe('durable');
    expect((await publish(to)).outcome).toBe('durable');
  },
  60 * SECOND,
);

test(
  'a connection that the broker closed while idle is opened again',
  async () => {
    const to = await start();
    await publish(to);
    proxy.sever();
    expect((await publish(to)).outcome).toBe('durable');
  },
  60 * SECOND,
);

test(
  'a missing topic holds up no other, is named once, and is written to as soon as it exists',
  async () => {
    const to = await start(['a', 'b', 'missing']);
    const answers = await Promise.all([
      publish(to, 'missing'),
      publish(to, 'a'),
      publish(to, 'missing'),
      publish(to, 'b'),
    ]);
    expect(answers.map(({ outcome }) => outcome)).toEqual(['unknown', 'durable', 'unknown', 'durable']);
    expect(await metric('dakia_producer_missing_topics{client="test"}')).toBe(1);
    expect(await metric('dakia_producer_failures_total{client="test",kind="missing-topic"}')).toBe(2);
    const named = logged.filter((line) => line.includes(`${kafka.prefix}missing`));
    expect(named).toHaveLength(1);
    expect(named[0]).toContain('npx dakia topics apply');
    await kafka.createTopic('missing', 1);
    await eventually(
      'a durable record in the new topic',
      async () => (await publish(to, 'missing')).outcome === 'durable' || undefined,
      10 * SECOND,
    );
  },
  60 * SECOND,
);

test(
  'a topic that is deleted under it ends up missing, and the others go on',
  async () => {
    const to = await start();
    await Promise.all([publish(to, 'a'), publish(to, 'b')]);
    await kafka.admin.deleteTopics({ topics: [`${kafka.prefix}b`] });
    await eventually(
      'the topic counted as missing',
      async () => (await publish(to, 'b'), (await metric('dakia_producer_missing_topics{client="test"}')) === 1),
      30 * SECOND,
    );
    await durableAgain(to, 6 * SECOND);
    expect((await publish(to, 'b')).outcome).toBe('unknown');
  },
  60 * SECOND,
);

test(
  'a record that is too large for its topic fails alone',
  async () => {
    const to = await start();
    const answers = await Promise.all([publish(to), publish(to, 'a', record('large', 1_500_000)), publish(to)]);
    expect(answers.map(({ outcome }) => outcome)).toEqual(['durable', 'unknown', 'durable']);
    expect(logged.join('')).toContain('a record is larger than its topic takes');
  },
  60 * SECOND,
);

test(
  'it starts without Kafka, and is durable when Kafka comes',
  async () => {
    await proxy.goAway();
    const startedAt = performance.now();
    const to = await start();
    expect(performance.now() - startedAt).toBeLessThan(8 * SECOND);
    expect((await publish(to)).outcome).not.toBe('durable');
    await proxy.comeBack();
    await durableAgain(to, 10 * SECOND);
  },
  60 * SECOND,
);

test(
  'a stop sends what waits, and takes nothing more in',
  async () => {
    const to = await start();
    const waiting = Array.from({ length: 1_000 }, () => publish(to));
    const stopped = to.stop(instant(Date.now() + 5 * SECOND));
    expect((await publish(to)).outcome).toBe('overloaded');
    await stopped;
    const answers = await Promise.all(waiting);
    expect(new Set(answers.map(({ outcome }) => outcome))).toEqual(new Set(['durable']));
    expect((await keysIn('a')).size).toBe(1_000);
  },
  60 * SECOND,
);
