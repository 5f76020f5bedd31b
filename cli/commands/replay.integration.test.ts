import kafkajs from 'kafkajs';
import { deadLetterTopics, families, familyNames, QUARANTINE_TOPIC, sightingsIn } from '#catalogue';
import { encodeEnvelope, toEnvelopes, UNKNOWN_SCHEMA_ID } from '#envelope';
import type { KafkaRecord } from '#envelope';
import { eventually, onTestServer } from '#kit';
import { readLogs } from '#kafka';
import { entityId, instant } from '#rules';
import type { JsonRecord } from '#rules';
import { simulation, storyNames } from '#simulator';
import type { SimulatedEvent, SimulationSettings, StoryName } from '#simulator';
import { quarantine } from '../../services/domain-service.ts';
import { openDakia } from '../../test/kit/cli/run-dakia.ts';
import type { Dakia } from '../../test/kit/cli/run-dakia.ts';
import { thisSecond } from '../../test/kit/system-fixture.ts';
import { startSystem, testsOf } from '../../test/kit/system.ts';
import type { System } from '../../test/kit/system.ts';

const LIMIT_MS = 120_000;
let system: System;
let dakia: Dakia;
const it = testsOf(() => system);
beforeAll(async () => {
  // One further attempt, at once: what cannot be applied is given up soon.
  system = await startSystem({ settings: { DAKIA_RETRY_DELAYS: '1ms' } });
  dakia = openDakia(system.environment);
}, LIMIT_MS);
afterAll(async () => {
  await dakia.close();
  await system.close();
}, LIMIT_MS);

const run: SimulationSettings = {
  seed: 'replay',
  count: 90,
  stories: storyNames as readonly [StoryName, ...StoryName[]],
  at: thisSecond(),
};
const events = simulation(run).events;
/** Known to no ingest of that time. */
const unknown = events.filter((_, index) => index % 3 === 0);
const known = events.filter((_, index) => index % 3 !== 0);
const seenBeside = (some: readonly SimulatedEvent[]) =>
  some.flatMap(({ event, eventId, body }) =>
    sightingsIn(JSON.parse(body.toString()) as JsonRecord, event).map(({ family, key }) => ({ family, key, eventId })),
  );
/** Records of one delivery die each for itself. */
const deaths = known.length + seenBeside(known).length;

/** As an ingest wrote it whose catalogue did not have the event yet. */
const quarantinedOf = ({ body, eventId, event }: SimulatedEvent): KafkaRecord => {
  const [envelope] = toEnvelopes({
    rawBody: body,
    eventIdHeader: eventId,
    endpoint: 'default',
    receivedAt: instant(Date.now()),
    traceparent: undefined,
  });
  return encodeEnvelope(
    { ...envelope, kind: 'quarantine', event, reason: 'unknown-event', key: entityId(eventId) },
    UNKNOWN_SCHEMA_ID,
  );
};
const quarantineAll = async (): Promise<void> => {
  const producer = system.kafka.producer({
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
  });
  await producer.connect();
  const records = [
    ...unknown.map(quarantinedOf),
    encodeEnvelope(
      {
        ...toEnvelopes({
          rawBody: Buffer.from('{"event":"no.such"}'),
          eventIdHeader: 'odd',
          endpoint: 'default',
          receivedAt: instant(Date.now()),
          traceparent: undefined,
        })[0],
      },
      UNKNOWN_SCHEMA_ID,
    ),
  ];
  await producer.send({
    topic: `${system.prefix}${QUARANTINE_TOPIC}`,
    acks: -1,
    messages: records.map(({ key, value, headers }) => ({ key, value, headers: { ...headers } })),
  });
  await producer.disconnect();
};

const recordsIn = async (topics: readonly string[]): Promise<number> =>
  (await readLogs(system.kafka, { topics, prefix: system.prefix })).reduce(
    (sum, { startOffset, endOffset }) => sum + Number(endOffset - startOffset),
    0,
  );
const familyTopics = familyNames.map((family) => families[family].topic);
/** As a retention does that is over. */
const forgetFamilies = (): Promise<void> =>
  system.withAdmin(async (admin) => {
    for (const topic of familyTopics) {
      const partitions = (await admin.fetchTopicOffsets(`${system.prefix}${topic}`)).filter(
        ({ low, high }) => low !== high,
      );
      if (partitions.length > 0)
        await admin.deleteTopicRecords({
          topic: `${system.prefix}${topic}`,
          partitions: partitions.map(({ partition }) => ({ partition, offset: '-1' })),
        });
    }
  });

it(
  'dead letters and the quarantine, replayed from Kafka alone into an empty database, end in the state of an undisturbed run',
  async () => {
    const name = new URL(system.databaseUrl).pathname.slice(1);
    await system.stop();
    // As a migration leaves it: the services have only noted where they stand.
    await system.rows('DELETE FROM partition_ledger');
    await onTestServer(`CREATE DATABASE ${name}_empty TEMPLATE ${name}`);

    // A release that can apply nothing: every event dies, and Kafka gets its copy.
    for (const family of familyNames)
      await system.rows(`ALTER TABLE ${families[family].table} ADD CONSTRAINT poison CHECK (false)`);
    await system.start();
    await quarantineAll();
    for (const event of known) expect(await system.deliver(event)).toBe(200);
    await eventually(
      'every dead letter is in Kafka',
      async () => (await system.rows('SELECT 1 FROM dead_letters WHERE published_at IS NOT NULL')).length === deaths,
      LIMIT_MS / 2,
    );
    await system.stop();

    // All that is left is Kafka's topics of dead letters and of the quarantine.
    await forgetFamilies();
    await onTestServer(
      `DROP DATABASE ${name} WITH (FORCE)`,
      `CREATE DATABASE ${name} TEMPLATE ${name}_empty`,
      `DROP DATABASE ${name}_empty`,
    );
    expect(await recordsIn(familyTopics)).toBe(0);
    const copies = await recordsIn(deadLetterTopics);
    expect(copies).toBeGreaterThanOrEqual(deaths);

    // Without --yes it is only shown.
    expect(await dakia.json('dead', 'replay', '--from-kafka')).toMatchObject({
      ok: true,
      executed: false,
      read: copies,
      count: copies,
      left: [],
    });
    const [{ key: someKey, family: someFamily } = { key: '', family: '' }] = known;
    const ofKey = await dakia.json('dead', 'replay', '--from-kafka', '--key', someKey, '--cause', 'POISON');
    expect(ofKey).toMatchObject({ executed: false, read: copies, count: (ofKey['first'] as object[]).length });
    expect(new Set((ofKey['first'] as { eventId: string }[]).map(({ eventId }) => eventId))).toEqual(
      new Set(
        [...known, ...seenBeside(known)]
          .filter(({ key, family }) => key === someKey && family === someFamily)
          .map(({ eventId }) => eventId),
      ),
    );
    expect((await dakia.run('quarantine', 'replay', '--from-kafka', '--family', 'refunds')).stdout).toMatch(
      /records would be produced again\. Nothing was changed; give --yes to do it\.\nleft where they are: 1 \(unknown-event\)\n$/,
    );
    expect(await recordsIn(familyTopics)).toBe(0);

    expect(await dakia.json('dead', 'replay', '--from-kafka', '--all', '--yes')).toMatchObject({
      ok: true,
      executed: true,
      read: copies,
      count: copies,
    });
    expect(await dakia.run('quarantine', 'replay', '--from-kafka', '--all', '--yes')).toEqual({
      code: 0,
      stdout:
        `${unknown.length} of ${unknown.length + 1} records were produced again; their services apply them\n` +
        `left where they are: 1 (unknown-event)\n`,
      stderr: '',
    });
    expect(await recordsIn(familyTopics)).toBe(copies + unknown.length + seenBeside(unknown).length);

    // The worst order: the quarantine has kept its events before their families see them.
    await system.start([quarantine]);
    await eventually(
      'the quarantine is read',
      async () => (await system.rows('SELECT 1 FROM webhook_events')).length === unknown.length + 1,
    );
    await system.stop();
    await system.start();
    await system.drained();
    expect(await system.verify(run, LIMIT_MS / 4)).toMatchObject({ ok: true, shown: [] });
    expect(await system.rows(`SELECT razorpay_event_id FROM webhook_events WHERE verdict = 'quarantined'`)).toEqual([
      { razorpay_event_id: 'odd' },
    ]);

    // Once more: everything is a duplicate.
    const states = () =>
      Promise.all(familyNames.map((family) => system.rows(`SELECT * FROM ${families[family].table} ORDER BY 1`)));
    const before = await states();
    expect(await dakia.json('dead', 'replay', '--from-kafka', '--all', '--yes')).toMatchObject({ ok: true });
    expect(await dakia.json('quarantine', 'replay', '--from-kafka', '--all', '--yes')).toMatchObject({ ok: true });
    expect(await system.drained()).toMatchObject({ ok: true, totals: { dead: 0, parked: 0, quarantined: 1 } });
    expect(await states()).toEqual(before);

    // What has come since a dry run is left.
    const [shown, replayed] = [await recordsIn([QUARANTINE_TOPIC]), await recordsIn(familyTopics)];
    expect(await dakia.json('quarantine', 'replay', '--from-kafka')).toMatchObject({ read: shown });
    await quarantineAll();
    expect(await dakia.json('quarantine', 'replay', '--from-kafka', '--all', '--yes')).toMatchObject({
      count: unknown.length,
      left: expect.arrayContaining([{ reason: 'came after what was shown', count: unknown.length + 1 }]) as object,
    });
    expect(await recordsIn(familyTopics)).toBe(replayed + unknown.length + seenBeside(unknown).length);
  },
  LIMIT_MS,
);
