import { randomBytes } from 'node:crypto';
import { deadLetterTopicOf } from '#catalogue';
import { decodeEnvelope, headerText } from '#envelope';
import { eventually } from '#kit';
import { queueSettings, readConfig, redisSettings } from '#platform/config';
import { readTopics } from '#kafka';
import type { StoredRecord } from '#kafka';
import { getQueueStats, retryQueueOf } from '#platform/queue';
import { simulation, storyNames } from '#simulator';
import type { SimulationSettings, StoryName } from '#simulator';
import { thisSecond } from '../kit/system-fixture.ts';
import { startSystem, testsOf } from '../kit/system.ts';
import type { System } from '../kit/system.ts';

/** Three attempts, which are over in some seconds. */
const SETTINGS = { DAKIA_RETRY_DELAYS: '1500ms,1500ms' };
const ATTEMPTS = 3;
const BEHIND = 100;

let system: System;
const it = testsOf(() => system);
beforeAll(async () => void (system = await startSystem({ settings: SETTINGS })), 30_000);
afterAll(() => system.close(), 30_000);

interface Sent {
  readonly eventId: string;
  readonly body: string;
}

/** A payment's events as a sender would give them; whitespace shows whether the bytes stay as they are. */
const paymentEvent = (
  key: string,
  event: string,
  second: number,
  entity: Readonly<Record<string, unknown>> = {},
): Sent => ({
  eventId: `ev_${randomBytes(8).toString('hex')}`,
  body: JSON.stringify(
    {
      entity: 'event',
      account_id: 'acc_BFQ7uQEaa7j2z7',
      event,
      contains: ['payment'],
      payload: {
        payment: {
          entity: {
            id: key,
            entity: 'payment',
            amount: 50_000,
            currency: 'INR',
            status: event.slice('payment.'.length),
            method: 'upi',
            ...entity,
          },
        },
      },
      created_at: Math.floor(thisSecond() / 1000) + second,
    },
    undefined,
    2,
  ),
});

/** One after the other, so that they lie in Kafka in this order. */
const sendInOrder = async (events: readonly Sent[]): Promise<void> => {
  for (const event of events) expect((await system.post(event)).status).toBe(200);
};

const deadLettersInKafka = async (): Promise<readonly StoredRecord[]> => {
  const found: StoredRecord[] = [];
  await readTopics(system.kafka, {
    topics: [deadLetterTopicOf('payments')],
    prefix: system.prefix,
    onBatch: async (records) => void found.push(...records),
  });
  return found;
};

const queueOfPayments = async () => {
  const config = readConfig({ ...redisSettings, ...queueSettings }, system.environment);
  if (!config.ok) throw new Error(config.issues.join('; '));
  return (await getQueueStats(config.value, [retryQueueOf('payments')]))[0];
};

it('poison in the middle of a hot key: others flow on, the poison alone becomes a dead letter, the hundred behind it are applied in order', async () => {
  const key = `pay_${randomBytes(7).toString('hex')}`;
  // What Postgres refuses in a table, whoever has put the constraint there.
  await system.rows(`ALTER TABLE payment_transactions ADD CONSTRAINT poison CHECK (order_id <> 'order_poison')`);
  const poison = paymentEvent(key, 'payment.authorized', 2, { order_id: 'order_poison' });
  const before = [paymentEvent(key, 'payment.failed', 0), paymentEvent(key, 'payment.failed', 1)];
  const behind = Array.from({ length: BEHIND }, (_, index) =>
    paymentEvent(key, index === BEHIND - 1 ? 'payment.captured' : 'payment.failed', 3 + index),
  );
  await sendInOrder([...before, poison, ...behind]);
  const others = await system.simulate({ count: 200 });
  expect(await system.verify(others.run, 15_000)).toMatchObject({ ok: true, shown: [] });

  await eventually(
    'the poison is given up and copied to Kafka',
    async () => (await system.rows('SELECT 1 FROM dead_letters WHERE published_at IS NOT NULL')).length === 1,
  );
  const total = 200 + before.length + 1 + BEHIND;
  const account = await system.drained();
  expect(account).toMatchObject({ ok: true, difference: 0, totals: { parked: 0, dead: 1, lag: 0 } });
  expect(account.totals.accepted - account.totals.sighted).toBe(total);

  // Why, in Postgres.
  expect(
    await system.rows(
      'SELECT razorpay_event_id AS id, family, entity_key AS key, attempts, reason, resolution FROM dead_letters',
    ),
  ).toEqual([
    {
      id: poison.eventId,
      family: 'payments',
      key,
      attempts: ATTEMPTS,
      reason: expect.stringContaining('constraint "poison"') as string,
      resolution: null,
    },
  ]);
  expect(
    await system.rows(`SELECT actor, razorpay_event_id AS id, reason FROM audit_logs WHERE verdict = 'dead'`),
  ).toEqual([
    { actor: 'retry:payments', id: poison.eventId, reason: expect.stringContaining('constraint "poison"') as string },
  ]);

  // And in Kafka, as it was signed.
  const [place] = await system.rows<{ topic: string; partition: number; offset: string }>(
    `SELECT kafka_topic AS topic, kafka_partition AS partition, kafka_offset::text AS offset FROM webhook_events
      WHERE razorpay_event_id = $1`,
    [poison.eventId],
  );
  const letters = await deadLettersInKafka();
  expect(letters).toHaveLength(1);
  const [letter] = letters as [StoredRecord];
  const header = (name: string) => headerText(letter.headers, name);
  expect(letter.key?.toString()).toBe(key);
  expect(header('x-original-topic')).toBe(place?.topic);
  expect(header('x-original-partition')).toBe(String(place?.partition));
  expect(header('x-original-offset')).toBe(place?.offset);
  expect(header('x-consumer-group')).toBe('payments');
  expect(header('x-exception-message')).toContain('constraint "poison"');
  expect(header('x-attempt')).toBe(String(ATTEMPTS));
  expect(Date.parse(header('x-first-failed-at') ?? '')).toBeGreaterThan(Date.now() - 60_000);
  const envelope = decodeEnvelope(letter.value, letter.headers);
  if (!envelope.ok) throw new Error(envelope.issues.join('; '));
  expect(Buffer.from(envelope.value.rawBody).toString()).toBe(poison.body);
  expect(envelope.value).toMatchObject({
    kind: 'event',
    event: 'payment.authorized',
    eventId: poison.eventId,
    key,
    endpoint: 'default',
  });

  // What was behind it is applied once each, in the order of the log, and ends where it must.
  const applied = await system.rows<{ id: string; actor: string }>(
    `SELECT razorpay_event_id AS id, actor FROM audit_logs WHERE entity_key = $1 AND action = 'event'
      ORDER BY audit_logs.id`,
    [key],
  );
  expect(applied.map(({ id }) => id)).toEqual([...before, ...behind].map(({ eventId }) => eventId));
  expect(new Set(applied.slice(before.length).map(({ actor }) => actor))).toEqual(new Set(['retry:payments']));
  expect(await system.rows('SELECT status FROM payment_transactions WHERE payment_id = $1', [key])).toEqual([
    { status: 'captured' },
  ]);
  expect(await system.rows('SELECT 1 FROM parked_keys')).toEqual([]);

  const metrics = await system.metrics();
  expect(metrics).toContain('dakia_dead_letters_total{family="payments"} 1\n');
  expect(metrics).toContain('dakia_dead_letters_open{family="payments"} 1\n');
  expect(metrics).toContain('dakia_parked_oldest_seconds{family="payments"} 0\n');
  await eventually('nothing of it is left in the queue', async () => (await queueOfPayments())?.active === 0);
  expect(await queueOfPayments()).toMatchObject({ delayed: 0, prioritized: 0, waiting: 0, failed: 0 });
});

it('a trouble that passes leaves no trace: every entity that waited is woken by itself, and ends as in an undisturbed run', async () => {
  const run: SimulationSettings = {
    seed: 'passing',
    count: 300,
    stories: storyNames as readonly [StoryName, ...StoryName[]],
    at: thisSecond(),
  };
  const refunds = new Set(
    simulation(run)
      .events.filter(({ family }) => family === 'refunds')
      .map(({ key }) => key),
  );
  expect(refunds.size).toBeGreaterThan(3);
  await system.rows('ALTER TABLE payment_refunds ADD CONSTRAINT passing_trouble CHECK (amount_minor < 0) NOT VALID');
  await system.simulate(run);
  await system.drained();
  expect(
    new Set((await system.rows<{ key: string }>('SELECT entity_key AS key FROM parked_keys')).map(({ key }) => key)),
  ).toEqual(refunds);
  // A scrape does not wait for Postgres on a busy machine: the figure is there the next time.
  await eventually(
    'the age of the oldest is told',
    async () => Number(/^dakia_parked_oldest_seconds\{family="refunds"\} (.*)$/m.exec(await system.metrics())?.[1]) > 0,
  );
  await eventually(
    'one was tried in vain',
    async () => (await system.rows('SELECT 1 FROM parked_keys WHERE attempts = 2')).length > 0,
  );

  await system.rows('ALTER TABLE payment_refunds DROP CONSTRAINT passing_trouble');
  await eventually('all are free', async () => (await system.rows('SELECT 1 FROM parked_keys')).length === 0);
  expect(await system.verify(run)).toMatchObject({ ok: true, shown: [] });
  expect(await system.status()).toMatchObject({ ok: true, difference: 0, totals: { parked: 0 } });
});
