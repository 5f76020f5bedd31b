import kafkajs from 'kafkajs';
import { deadLetterTopicOf, families, QUARANTINE_TOPIC } from '#catalogue';
import { encodeEnvelope, UNKNOWN_SCHEMA_ID } from '#runtime/envelope';
import type { KafkaRecord } from '#runtime/envelope';
import { simulation, storyNames } from '#simulator';
import type { SimulatedEvent, SimulationSettings, StoryName } from '#simulator';
import { toEnvelope } from '#webhook';
import { instant } from '#kernel';
import { eventually } from '#testkit';
import { quarantine } from '../../services/quarantine/service.ts';
import { startSystem, testsOf } from '../../libs/testkit/system.ts';
import type { System } from '../../libs/testkit/system.ts';
import { thisSecond } from '../../libs/testkit/system-world.ts';

let system: System;
const it = testsOf(() => system);
beforeAll(async () => {
  system = await startSystem();
  await system.stop();
}, 30_000);
afterAll(() => system.close(), 30_000);

const run: SimulationSettings = { seed: 'replay', count: 240, stories: storyNames as readonly [StoryName, ...StoryName[]], at: thisSecond() };
const events = simulation(run).events;
const third = (which: number): readonly SimulatedEvent[] => events.filter((_, index) => index % 3 === which);
const [arrived, dead, quarantined] = [third(0), third(1), third(2)];

const envelopeOf = ({ body, eventId }: SimulatedEvent) => toEnvelope({ rawBody: body, eventIdHeader: eventId, endpoint: 'default', receivedAt: instant(Date.now()), traceparent: undefined });
/** As ingest wrote it. */
const recordOf = (event: SimulatedEvent): KafkaRecord => encodeEnvelope(envelopeOf(event), UNKNOWN_SCHEMA_ID);
/** As a service publishes a dead letter. */
const deadLetterOf = (event: SimulatedEvent): KafkaRecord => {
  const { key, value, headers } = recordOf(event);
  return { key, value, headers: { ...headers, 'x-original-topic': families[event.family].topic, 'x-original-partition': '0', 'x-original-offset': '7', 'x-consumer-group': families[event.family].service, 'x-exception-message': 'violates check constraint', 'x-attempt': '7', 'x-first-failed-at': new Date().toISOString() } };
};
/** As an ingest wrote it whose catalogue did not have the event yet. */
const quarantinedOf = (event: SimulatedEvent): KafkaRecord => {
  const { eventId, endpoint, accountId, occurredAt, receivedAt, traceparent, rawBody } = envelopeOf(event);
  return encodeEnvelope({ kind: 'quarantine', event: event.event, reason: 'unknown-event', key: eventId as unknown as (typeof event)['key'], eventId, endpoint, accountId, occurredAt, receivedAt, traceparent, rawBody }, UNKNOWN_SCHEMA_ID);
};

const produce = async (records: readonly (readonly [string, KafkaRecord])[]): Promise<void> => {
  const producer = system.kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner, allowAutoTopicCreation: false });
  await producer.connect();
  await producer.sendBatch({ acks: -1, topicMessages: [...Map.groupBy(records, ([topic]) => topic)].map(([topic, those]) => ({ topic: `${system.prefix}${topic}`, messages: those.map(([, { key, value, headers }]) => ({ key, value, headers: { ...headers } })) })) });
  await producer.disconnect();
};
/** Records of the families' topics. */
const inTopics = async (): Promise<number> => {
  const { totals } = await system.status();
  return totals.accepted;
};

it('dead letters and the quarantine, replayed from Kafka alone into an empty database, end in the state of an undisturbed run', async () => {
  await produce([
    ...arrived.map((event) => [families[event.family].topic, recordOf(event)] as const),
    ...dead.map((event) => [deadLetterTopicOf(event.family), deadLetterOf(event)] as const),
    ...quarantined.map((event) => [QUARANTINE_TOPIC, quarantinedOf(event)] as const),
    [QUARANTINE_TOPIC, recordOf({ ...(arrived[0] as SimulatedEvent), eventId: 'evt_odd' as SimulatedEvent['eventId'], body: Buffer.from('{"event":"no.such"}') })],
  ]);

  // Without --yes nothing is produced.
  const before = await inTopics();
  expect(await system.dakia('dead', 'replay', '--from-kafka', '--all')).toMatchObject({ code: 0, answer: { ok: true, executed: false, read: dead.length, count: dead.length, left: [] } });
  const refunds = dead.filter(({ family }) => family === 'refunds');
  expect(await system.dakia('dead', 'replay', '--from-kafka', '--family', 'refunds')).toMatchObject({ code: 0, answer: { read: refunds.length, count: refunds.length } });
  const one = dead.filter(({ key }) => key === dead[0]?.key);
  expect(await system.dakia('dead', 'replay', '--from-kafka', '--key', one[0]?.key ?? '')).toMatchObject({ code: 0, answer: { read: dead.length, count: one.length, first: one.map(({ eventId, event, key }) => ({ eventId, event, key, cause: 'violates check constraint' })) } });
  expect(await inTopics()).toBe(before);

  expect(await system.dakia('dead', 'replay', '--from-kafka', '--all', '--yes')).toMatchObject({ code: 0, answer: { ok: true, executed: true, count: dead.length } });
  expect(await system.dakia('quarantine', 'replay', '--from-kafka', '--all', '--yes')).toMatchObject({
    code: 0,
    answer: { ok: true, executed: true, read: quarantined.length + 1, count: quarantined.length, left: [{ reason: 'unknown-event', count: 1 }] },
  });
  expect(await inTopics()).toBe(before + dead.length + quarantined.length);

  // The worst order: the quarantine has kept its events before their families see them.
  await system.start([quarantine]);
  await eventually('the quarantine is read', async () => (await system.rows('SELECT 1 FROM webhook_events')).length === quarantined.length + 1);
  await system.stop();
  await system.start();
  await system.drained();
  expect(await system.verify(run, 10_000)).toMatchObject({ ok: true, shown: [] });
  expect(await system.rows(`SELECT razorpay_event_id FROM webhook_events WHERE verdict = 'quarantined'`)).toEqual([{ razorpay_event_id: 'evt_odd' }]);

  // Once more: everything is a duplicate.
  const after = await system.rows('SELECT * FROM payment_transactions ORDER BY payment_id');
  expect(await system.dakia('dead', 'replay', '--from-kafka', '--all', '--yes')).toMatchObject({ code: 0 });
  expect(await system.dakia('quarantine', 'replay', '--from-kafka', '--all', '--yes')).toMatchObject({ code: 0 });
  expect(await system.drained()).toMatchObject({ ok: true });
  expect(await system.verify(run)).toMatchObject({ ok: true });
  expect(await system.rows('SELECT * FROM payment_transactions ORDER BY payment_id')).toEqual(after);
}, 60_000);
