import { sightingsIn } from '#catalogue';
import type { JsonRecord } from '#rules';
import { simulation, storyNames } from '#simulator';
import type { SimulationSettings, StoryName } from '#simulator';
import { thisSecond } from '../kit/system-fixture.ts';
import { startSystem, testsOf } from '../kit/system.ts';
import type { System } from '../kit/system.ts';

let system: System;
const it = testsOf(() => system);
// What waits is released by hand here; retries.integration.test.ts lets it wake by itself.
beforeAll(async () => void (system = await startSystem({ settings: { DAKIA_RETRY_DELAYS: '1h,1h' } })), 30_000);
afterAll(() => system.close(), 30_000);

it('an event that Postgres refuses parks its entity alone; once it can be applied, nothing shows that it ever waited', async () => {
  const run: SimulationSettings = {
    seed: 'poison',
    count: 200,
    stories: storyNames as readonly [StoryName, ...StoryName[]],
    at: thisSecond(),
  };
  const told = simulation(run).events;
  const payments = Map.groupBy(
    told.filter(({ family }) => family === 'payments'),
    ({ key }) => key,
  );
  const [key, events] = [...payments].find(([, { length }]) => length >= 3) ?? ['', []];
  expect(events.length).toBeGreaterThanOrEqual(3);
  const seen = told.flatMap(({ event, body }) => sightingsIn(JSON.parse(body.toString()) as JsonRecord, event));
  const sightings = seen.filter((one) => one.family === 'payments' && one.key === key).length;
  const accepted = told.length + seen.length;
  const retry = () => system.dakia('parked', 'retry', '--family', 'payments', '--key', key, '--yes');

  // Refused by the table, by no rule.
  await system.rows(`ALTER TABLE payment_transactions ADD CONSTRAINT poison CHECK (payment_id <> '${key}')`);
  expect(await system.simulate(run)).toMatchObject({ unexpected: 0 });
  expect(await system.drained()).toMatchObject({
    ok: true,
    totals: { accepted, parked: events.length + sightings, sighted: seen.length - sightings },
  });

  // Every other entity is as it must be, and every event is there.
  const { shown } = await system.verify(run);
  expect(new Set(shown.map(({ about }) => about))).toEqual(
    new Set([`payments ${key}`, ...events.map(({ event, eventId }) => `${event} ${eventId}`)]),
  );
  const pending = await system.rows<{ id: string; reason: string }>(
    'SELECT razorpay_event_id AS id, reason FROM pending_events ORDER BY kafka_offset',
  );
  // A sighting of the payment waits among its events, where it came.
  expect(pending).toHaveLength(events.length + sightings);
  const waiting = pending.map(({ id }) => id).filter((id) => !id.includes('.payment.'));
  expect(waiting).toEqual(events.map(({ eventId }) => eventId));
  const head = pending[0]?.id;
  expect(await system.rows('SELECT family, entity_key, failing_event_id, attempts FROM parked_keys')).toEqual([
    { family: 'payments', entity_key: key, failing_event_id: head, attempts: 1 },
  ]);
  expect(pending[0]?.reason).toMatch(/violates check constraint "poison"/);
  expect(new Set(pending.slice(1).map(({ reason }) => reason))).toEqual(new Set([`waits behind ${head}`]));

  // Still refused: it stays at the head of its queue, and its schedule begins again.
  expect((await retry()).code).toBe(1);
  expect(await system.rows('SELECT attempts, last_attempt_at > parked_at AS again FROM parked_keys')).toEqual([
    { attempts: 1, again: true },
  ]);

  await system.rows('ALTER TABLE payment_transactions DROP CONSTRAINT poison');
  expect((await retry()).code).toBe(0);
  expect(await system.verify(run)).toMatchObject({ ok: true, shown: [] });
  expect(await system.status()).toMatchObject({
    ok: true,
    totals: { accepted, parked: 0, lag: 0, sighted: seen.length },
  });
  expect(await system.rows('SELECT 1 FROM parked_keys')).toEqual([]);
}, 40_000);
