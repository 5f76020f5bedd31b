import { eventually } from '#kit';
import type { Finding } from '#operate';
import { buildEvent } from '#simulator';
import { quarantine } from '../../services/domain-service.ts';
import { ingest } from '../../services/ingest/service.ts';
import { thisSecond } from '../kit/system-fixture.ts';
import { startSystem, testsOf } from '../kit/system.ts';
import type { System } from '../kit/system.ts';

/** A consumer looks at the ledger four times a minute, also when it has nothing to do. */
const TAKEN_UP_WITHIN_MS = 60_000;

let system: System;
const it = testsOf(() => system);
beforeAll(async () => void (system = await startSystem()), 30_000);
afterAll(() => system.close(), 30_000);

const explained = async (): Promise<{ readonly code: number; readonly findings: readonly Finding[] }> => {
  const { code, answer } = await system.dakia('status', '--explain');
  return { code, findings: (answer as { readonly findings: readonly Finding[] }).findings };
};
const one = async <Row>(sql: string, values: readonly unknown[] = []): Promise<Row> => {
  const [row] = await system.rows<Row>(sql, values);
  if (row === undefined) throw new Error(`no row: ${sql}`);
  return row;
};
const differenceOf = async (topic: string): Promise<number> =>
  Number(new RegExp(`^dakia_account_difference\\{topic="${topic}"\\} (\\S+)$`, 'm').exec(await system.metrics())?.[1]);

interface Place {
  readonly topic: string;
  readonly partition: number;
}

/** Kafka has the event, and the ledger says that it was applied. */
const skipOneOffset = async (): Promise<Place & { readonly eventId: string }> => {
  const event = buildEvent('refund.processed', { seed: 'skipped', at: thisSecond() });
  await system.stop();
  await system.start([ingest]);
  expect(await system.deliver(event)).toBe(200);
  // Of the event itself: the payment beside it is a sighting, in a topic of its own.
  const behind = (await system.status()).partitions.find(({ topic, lag }) => topic === 'rzp.refunds.v1' && lag === 1);
  if (behind === undefined) throw new Error('nothing waits');
  await system.rows(
    `UPDATE partition_ledger SET next_offset = next_offset + 1, applied = applied + 1, mark_event_id = NULL,
      mark_appended_ms = NULL,
            mark_leader_epoch = NULL WHERE topic = $1 AND partition = $2`,
    [behind.topic, behind.partition],
  );
  await system.stop();
  return { topic: behind.topic, partition: behind.partition, eventId: event.eventId };
};

it('a lost event, a skipped offset, a lost state and a deleted row of the ledger are found, named and shown, until they are made good', async () => {
  await system.simulate({ count: 200, duplicates: 0.2, shuffle: true });
  await system.drained();
  expect(await explained()).toEqual({ code: 0, findings: [] });

  const skipped = await skipOneOffset();
  const lost = await one<Place & { readonly id: string; readonly offset: string }>(
    `DELETE FROM webhook_events WHERE razorpay_event_id = (SELECT min(razorpay_event_id) FROM webhook_events
      WHERE family = 'payments')
     RETURNING razorpay_event_id AS id, kafka_topic AS topic, kafka_partition AS partition, kafka_offset AS "offset"`,
  );
  const order = await one<{ readonly key: string }>(
    'DELETE FROM payment_orders WHERE order_id = (SELECT min(order_id) FROM payment_orders) RETURNING order_id AS key',
  );
  const ofOrder = await system.rows<{ readonly id: string }>(
    `SELECT razorpay_event_id AS id FROM webhook_events WHERE family = 'orders' AND entity_key = $1
      AND verdict = 'applied'`,
    [order.key],
  );
  const row = await one<Place & { readonly rows: string }>(
    `DELETE FROM partition_ledger l WHERE (topic, partition) IN
            (SELECT kafka_topic, kafka_partition FROM webhook_events WHERE kafka_topic = 'rzp.invoices.v1' ORDER BY 2
              LIMIT 1)
     RETURNING topic, partition, (SELECT count(*) FROM webhook_events e WHERE e.kafka_topic = l.topic
       AND e.kafka_partition = l.partition) AS rows`,
  );

  // No consumer but the quarantine's: the reporter is there all the same.
  await system.start([quarantine]);
  const { code, findings } = await explained();
  expect(code).toBe(1);
  expect(findings).toHaveLength(4);
  expect(findings).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        kind: 'event',
        topic: skipped.topic,
        partition: skipped.partition,
        eventId: skipped.eventId,
        event: 'refund.processed',
      }),
      expect.objectContaining({ kind: 'event', topic: lost.topic, partition: lost.partition, eventId: lost.id }),
      { kind: 'ledger-row', topic: row.topic, partition: row.partition, events: Number(row.rows) },
      expect.objectContaining({ kind: 'entity', family: 'orders', key: order.key }),
    ]),
  );
  const entity = findings.find(({ kind }) => kind === 'entity');
  expect(entity?.kind === 'entity' && entity.eventIds.toSorted()).toEqual(ofOrder.map(({ id }) => id).toSorted());
  await eventually(
    'the metrics show it',
    async () =>
      (await differenceOf(skipped.topic)) === 1 &&
      (await differenceOf(lost.topic)) === 1 &&
      (await differenceOf('rzp.orders.v1')) === 1 &&
      (await differenceOf(row.topic)) === Number(row.rows),
    TAKEN_UP_WITHIN_MS,
  );

  // What Kafka still has is applied again, the row of the ledger is made anew; the counts follow.
  await system.stop();
  await system.start();
  const groupPlace = ['--group', 'payments', '--topic', lost.topic, '--partition', String(lost.partition)];
  const reason = ['--reason', 'deleted by hand', '--yes'];
  expect((await system.dakia('ledger', 'rebase', ...groupPlace, '--to', lost.offset, ...reason)).code).toBe(0);
  await eventually(
    'the lost event is applied again',
    async () =>
      (await system.rows('SELECT 1 FROM webhook_events WHERE razorpay_event_id = $1', [lost.id])).length === 1,
    TAKEN_UP_WITHIN_MS,
  );
  await system.drained();
  expect((await system.dakia('ledger', 'recount', ...groupPlace, ...reason)).answer).toMatchObject({ missing: 1 });
  const anew = { topic: row.topic, partition: row.partition };
  const left = (await explained()).findings;
  expect(left).toHaveLength(3);
  expect(left).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ kind: 'event', eventId: skipped.eventId }),
      expect.objectContaining({ kind: 'entity', key: order.key }),
      expect.objectContaining({ kind: 'surplus', ...anew, events: Number(row.rows) }),
    ]),
  );
  const ofAnew = ['--group', 'invoices', '--topic', row.topic, '--partition', String(row.partition)];
  expect((await system.dakia('ledger', 'recount', ...ofAnew, ...reason)).answer).toMatchObject({
    missing: 0,
    surplus: Number(row.rows),
  });
  expect((await explained()).findings).toHaveLength(2);
}, 300_000);

it('a row too many does not make up for a lost one, whatever it stands as: both are found, named, shown, and taken as they are', async () => {
  await system.stop();
  await system.start();
  await system.simulate({ count: 100, seed: 'two-sided' });
  await system.drained();
  const before = (await explained()).findings;
  // One partition, and the sum stays right.
  const lost = await one<Place & { readonly id: string }>(
    `DELETE FROM webhook_events WHERE razorpay_event_id = (
       SELECT max(razorpay_event_id) FROM webhook_events WHERE kafka_topic = 'rzp.payment_links.v1'
         AND verdict = 'applied')
     RETURNING razorpay_event_id AS id, kafka_topic AS topic, kafka_partition AS partition`,
  );
  const place = { topic: lost.topic, partition: lost.partition };
  await system.rows(
    `INSERT INTO webhook_events (razorpay_event_id, created_at, event_type, processed, verdict, received_at,
      kafka_topic, kafka_partition, kafka_offset, payload)
     VALUES ('nobodys', now(), 'payment_link.paid', true, 'rejected', now(), $1, $2, 1000000, '{}')`,
    [place.topic, place.partition],
  );
  const { code, findings } = await explained();
  expect(code).toBe(1);
  expect(findings).toHaveLength(before.length + 2);
  expect(findings).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ kind: 'event', ...place, eventId: lost.id }),
      { kind: 'uncounted', ...place, offset: 1_000_000, eventId: 'nobodys' },
    ]),
  );
  // A reporter reads all rows when it starts, and then once a minute at most.
  await system.stop();
  await system.start([quarantine]);
  await eventually('the metrics show both', async () => (await differenceOf(place.topic)) === 2, TAKEN_UP_WITHIN_MS);
  const recount = [
    'ledger',
    'recount',
    '--group',
    'links',
    '--topic',
    place.topic,
    '--partition',
    String(place.partition),
  ];
  expect((await system.dakia(...recount, '--reason', 'a test', '--yes')).answer).toMatchObject({
    missing: 1,
    surplus: 1,
  });
  expect((await explained()).findings).toHaveLength(before.length);
  expect((await system.status()).difference).toBe(0);

  // Two more, each replaced by one that stands as the same: every number is right. What was accepted is not named
  // again.
  const replaced = await system.rows<{ readonly id: string; readonly offset: string }>(
    `WITH gone AS (DELETE FROM webhook_events WHERE razorpay_event_id IN (
        SELECT razorpay_event_id FROM webhook_events WHERE kafka_topic = $1 AND kafka_partition = $2
          AND verdict = 'applied' AND razorpay_event_id <> 'nobodys' ORDER BY kafka_offset DESC LIMIT 2) RETURNING *),
      other AS (
        INSERT INTO webhook_events (razorpay_event_id, created_at, event_type, family, entity_key, processed, verdict,
          received_at, kafka_topic, kafka_partition, kafka_offset, payload, counted)
        SELECT 'not_' || razorpay_event_id, created_at, event_type, family, entity_key, processed, verdict,
          received_at, kafka_topic, kafka_partition, kafka_offset, payload, true FROM gone)
     SELECT razorpay_event_id AS id, kafka_offset AS "offset" FROM gone`,
    [place.topic, place.partition],
  );
  expect(replaced).toHaveLength(2);
  const others = (await explained()).findings;
  expect(others).toHaveLength(before.length + 4);
  expect(others).toEqual(
    expect.arrayContaining(
      replaced.flatMap(({ id, offset }): readonly unknown[] => [
        expect.objectContaining({ kind: 'event', ...place, eventId: id }),
        { kind: 'uncounted', ...place, offset: Number(offset), eventId: `not_${id}` },
      ]),
    ),
  );
}, 300_000);
