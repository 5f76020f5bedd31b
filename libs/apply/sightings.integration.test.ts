import avsc from 'avsc';
import { deliveriesOfCase, eventually } from '#kit';
import { encodeEnvelope, toEnvelopes } from '#envelope';
import type { Envelope } from '#envelope';
import { allAggregates } from '#families';
import { route } from '#catalogue';
import { accounting, discardParked, replayQuarantined, retryParked, understoodInQuarantine } from '#operate';
import { instant, parsed } from '#rules';
import type { JsonRecord } from '#rules';
import { openTestStore, TODAY_S } from '../../test/kit/test-store.ts';
import type { TestStore } from '../../test/kit/test-store.ts';
import { envelopeSchemaV1 } from '../envelope/schema-v1.ts';
import { envelopeSchema } from '../envelope/schema-v2.ts';
import { readLedger } from './positions.ts';

/** The machine may be busy with other tests. */
jest.setTimeout(30_000);

const TOPIC = 'rzp.all.v1';
const asha = { who: 'asha', reason: 'mended' };
let store: TestStore;
let partitions = 0;

beforeAll(async () => {
  store = await openTestStore('all', allAggregates);
  await store.rows('ALTER TABLE payment_transactions ADD CONSTRAINT no_thirteen CHECK (amount_minor <> 13)');
});
afterAll(async () => store.close());

/** The records of one delivery, in ingest's order: the event, then what is seen beside it. */
const recordsOf = (eventId: string, body: JsonRecord) =>
  toEnvelopes({
    rawBody: Buffer.from(JSON.stringify(body)),
    eventIdHeader: eventId,
    endpoint: 'default',
    receivedAt: instant((TODAY_S + 60) * 1000),
    traceparent: undefined,
  }).map((envelope) => parsed(envelope));

const refundOf = (payment: string, more: JsonRecord = {}, amount = 500): JsonRecord => ({
  event: 'refund.processed',
  account_id: 'acc_1',
  payload: {
    refund: { entity: { id: `rfnd_${payment}`, payment_id: payment, amount, status: 'processed' } },
    payment: {
      entity: { id: payment, amount, amount_refunded: amount, status: 'refunded', captured: true, ...more },
    },
  },
  created_at: TODAY_S,
});

const open = async () => {
  const number = partitions++;
  const partition = await store.partition(TOPIC, number);
  const counts = async () => {
    const row = (await readLedger(store.database)).find(
      ({ topic, partition: place }) => topic === TOPIC && place === number,
    );
    return Object.fromEntries(Object.entries(row?.counts ?? {}).filter(([, count]) => count !== 0));
  };
  return { send: partition.send, counts, number };
};
interface KeptRow {
  readonly id: string;
  readonly verdict: string;
  readonly processed: boolean;
  readonly sighting: string | null;
}
const kept = (like: string) =>
  store.rows<KeptRow & Record<string, unknown>>(
    `SELECT razorpay_event_id AS id, verdict, processed, sighting FROM webhook_events WHERE razorpay_event_id LIKE $1
      ORDER BY 1`,
    [`${like}%`],
  );
const audits = (key: string) =>
  store.rows(
    `SELECT razorpay_event_id AS id, event_type, verdict, from_status, to_status FROM audit_logs WHERE entity_key = $1
      AND action = 'event' ORDER BY id`,
    [key],
  );
const statusOf = async (key: string) =>
  (await store.rows<{ status: string }>('SELECT status FROM payment_transactions WHERE payment_id = $1', [key]))[0]
    ?.status;

test('a refund reaches its payment: row, audit and fact; kept once, told once, a repeat changes nothing', async () => {
  const { send, counts } = await open();
  const records = recordsOf('evRefund', refundOf('pay_s1'));
  await send(...records);
  await send(...records);
  expect(await statusOf('pay_s1')).toBe('refunded');
  expect(await kept('evRefund')).toEqual([{ id: 'evRefund', verdict: 'applied', processed: true, sighting: null }]);
  expect(await audits('pay_s1')).toEqual([
    { id: 'evRefund', event_type: 'refund.processed', verdict: 'sighted', from_status: null, to_status: 'refunded' },
  ]);
  expect(await store.rows("SELECT name, payload->>'eventId' AS event FROM outbox WHERE entity_key = 'pay_s1'")).toEqual(
    [{ name: 'payment.refunded', event: 'evRefund' }],
  );
  expect(await counts()).toEqual({ applied: 1, duplicate: 1, sighted: 2 });
});

test('a copy in the same transaction counts like one in a later one', async () => {
  const { send, counts } = await open();
  const records = recordsOf('evCopies', refundOf('pay_s5'));
  await send(...records, ...records);
  expect(await counts()).toEqual({ applied: 1, duplicate: 1, sighted: 2 });
  expect(await audits('pay_s5')).toHaveLength(1);
});

test('whatever comes first: a sighting before its event is neither the event nor in its way', async () => {
  const { send, counts } = await open();
  const [event, sighting] = recordsOf('evLate', refundOf('pay_s2'));
  if (event === undefined || sighting === undefined) throw new Error('a refund carries its payment');
  await send(sighting);
  expect(await kept('evLate')).toEqual([]);
  await send(event);
  expect(await kept('evLate')).toMatchObject([{ id: 'evLate', verdict: 'applied' }]);
  expect(await counts()).toEqual({ applied: 1, sighted: 1 });
});

test('a sighting that Postgres refuses is parked under an id of its own, holds up its key alone, and is joined once mended', async () => {
  const { send, counts } = await open();
  const records = recordsOf('evThirteen', refundOf('pay_s3', {}, 13));
  await send(...records);
  const [event, sighting] = await kept('evThirteen');
  expect(event).toMatchObject({ id: 'evThirteen', verdict: 'applied', sighting: null });
  expect(sighting).toMatchObject({ verdict: 'parked', processed: false, sighting: 'payment' });
  expect(sighting?.id).toMatch(/^evThirteen\.payment\.[0-9a-f]{16}$/);
  await send(...records);
  expect(await counts()).toEqual({ applied: 1, parked: 1, duplicate: 2 });

  await store.rows('ALTER TABLE payment_transactions DROP CONSTRAINT no_thirteen');
  expect(
    await retryParked(
      { database: store.database, aggregates: allAggregates, policy: { delaysMs: [1_000] } },
      { family: 'payments', key: 'pay_s3' },
      asha,
    ),
  ).toMatchObject({
    kind: 'unparked',
    applied: 1,
  });
  expect(await statusOf('pay_s3')).toBe('refunded');
  expect((await kept('evThirteen'))[1]).toMatchObject({ verdict: 'sighted', processed: true });
  expect(await audits('pay_s3')).toMatchObject([{ id: 'evThirteen', verdict: 'sighted', to_status: 'refunded' }]);
  expect(await counts()).toEqual({ applied: 1, sighted: 1, duplicate: 2 });
  await store
    .rows('ALTER TABLE payment_transactions ADD CONSTRAINT no_thirteen CHECK (amount_minor <> 13)')
    .catch(() => undefined);
});

test('one body under ever new ids leaves one sighting that waits: within a batch, between batches, once given up', async () => {
  await store.rows('ALTER TABLE payment_transactions ADD CONSTRAINT no_fifteen CHECK (amount_minor <> 15)');
  const { send, counts } = await open();
  const captured = (id: string) => recordsOf(`evCaptured${id}`, refundOf('pay_s6', {}, 15));
  await send(...captured('1'), ...captured('2'));
  await send(...captured('3'));
  await discardParked(
    { database: store.database, aggregates: allAggregates, policy: { delaysMs: [1_000] } },
    { family: 'payments', key: 'pay_s6' },
    asha,
  );
  await send(...captured('4'));
  expect((await kept('evCaptured')).map(({ id, verdict }) => `${id.slice(0, 19)} ${verdict}`)).toEqual([
    'evCaptured1 applied',
    'evCaptured1.payment dead',
  ]);
  expect(await counts()).toEqual({ applied: 1, dead: 1, duplicate: 6 });
});

test('one that is given up is dead, is counted, and leaves its delivery alone', async () => {
  await store.rows('ALTER TABLE payment_transactions ADD CONSTRAINT no_fourteen CHECK (amount_minor <> 14)');
  const { send, counts, number } = await open();
  await send(...recordsOf('evDead', refundOf('pay_s4', {}, 14)));
  const [, sighting] = await kept('evDead');
  await discardParked(
    { database: store.database, aggregates: allAggregates, policy: { delaysMs: [1_000] } },
    { family: 'payments', key: 'pay_s4' },
    asha,
  );
  expect((await kept('evDead')).map((row) => row.verdict)).toEqual(['applied', 'dead']);
  expect(
    await store.rows('SELECT family, entity_key, event_type FROM dead_letters WHERE razorpay_event_id = $1', [
      sighting?.id,
    ]),
  ).toEqual([{ family: 'payments', entity_key: 'pay_s4', event_type: 'refund.processed' }]);
  expect(await counts()).toEqual({ applied: 1, dead: 1 });
  await eventually(
    'the accounting',
    async () => {
      const { partitions: accounts } = await accounting(store.database, async () => []);
      return accounts.some(({ topic, partition }) => topic === TOPIC && partition === number);
    },
    5_000,
  );
});

/** Of one payment: what its overview says, as numbers. */
interface Overview {
  readonly status: string;
  readonly refund_status: string | null;
  readonly amount_minor: number | null;
  readonly refunded_minor: string;
  readonly refund_pending_minor: string;
  readonly refund_failed_minor: string;
  readonly refund_untold_minor: string;
  readonly refunds: readonly { readonly status: string; readonly amount_minor: number }[] | null;
}
const contradictionsOf = (row: Overview): readonly string[] => {
  const [refunded, pending, failed, untold] = [
    row.refunded_minor,
    row.refund_pending_minor,
    row.refund_failed_minor,
    row.refund_untold_minor,
  ].map(Number) as [number, number, number, number];
  const sum = (status: string): number =>
    (row.refunds ?? []).filter((one) => one.status === status).reduce((all, one) => all + one.amount_minor, 0);
  const isFull = row.amount_minor !== null && refunded > 0 && refunded >= row.amount_minor;
  return [
    ...(refunded === sum('processed') + untold ? [] : ['refunded is not what the refunds say']),
    ...(pending === sum('pending') && failed === sum('failed')
      ? []
      : ['pending or failed are not what the refunds say']),
    ...((row.refund_status === 'full') === isFull ? [] : ['full, but not all went back, or the reverse']),
    ...((row.refund_status === 'partial') === (refunded > 0 && !isFull) ? [] : ['partial, and nothing went back']),
    ...((row.status === 'refunded') === isFull ? [] : ['status']),
  ];
};

test.each(['r02', 'r13', 'r14', 'r15', 'r21'])(
  '%s: no two figures of the overview contradict each other, in any order',
  async (name) => {
    const deliveries = deliveriesOfCase(name);
    for (const order of [deliveries, [...deliveries].reverse()]) {
      const { send } = await open();
      for (const { eventId, body } of order) await send(...recordsOf(eventId, body));
      const rows = await store.rows<Overview & Record<string, unknown>>('SELECT * FROM payment_overview');
      for (const row of rows) expect([row['payment_id'], contradictionsOf(row)]).toEqual([row['payment_id'], []]);
    }
  },
);

test('only order.paid is subscribed: the payment inside has its row and its overview', async () => {
  const { send } = await open();
  const entity = { id: 'pay_only', amount: 500, status: 'captured', order_id: 'order_only', created_at: TODAY_S - 5 };
  await send(
    ...recordsOf('evOnly', {
      event: 'order.paid',
      payload: { payment: { entity }, order: { entity: { id: 'order_only', amount: 500, status: 'paid' } } },
      created_at: TODAY_S,
    }),
  );
  expect(
    await store.rows("SELECT status, order_id, order_status FROM payment_overview WHERE payment_id = 'pay_only'"),
  ).toEqual([{ status: 'captured', order_id: 'order_only', order_status: 'paid' }]);
});

test('a delivery that was not understood takes its sightings along when it is replayed out of Postgres, once', async () => {
  const { send } = await open();
  const [event] = recordsOf('evOut', refundOf('pay_out'));
  if (event?.ok !== true) throw new Error('a refund carries its payment');
  await send(parsed({ ...event.value, kind: 'quarantine', reason: 'unknown-event' } as never));
  expect(await statusOf('pay_out')).toBeUndefined();
  const replay = async () =>
    replayQuarantined(
      { database: store.database, aggregates: allAggregates, policy: { delaysMs: [1_000] } },
      'evOut',
      asha,
      route,
    );
  expect(await replay()).toMatchObject({ kind: 'unparked', applied: 1 });
  expect(await statusOf('pay_out')).toBe('refunded');
  expect(await store.rows("SELECT actor, verdict, to_status FROM audit_logs WHERE entity_key = 'pay_out'")).toEqual([
    { actor: 'operator:asha', verdict: 'sighted', to_status: 'refunded' },
  ]);
  expect(await store.rows("SELECT name FROM outbox WHERE entity_key = 'pay_out'")).toEqual([
    { name: 'payment.refunded' },
  ]);
  expect(await replay()).toEqual({ kind: 'not-quarantined' });
  // Kafka's copy brings them again: nothing more is told.
  await send(...recordsOf('evOut', refundOf('pay_out')));
  expect(await store.rows("SELECT name FROM outbox WHERE entity_key = 'pay_out'")).toHaveLength(1);
});

const [v1, v2] = [envelopeSchemaV1, envelopeSchema].map((schema) =>
  avsc.Type.forSchema(schema as unknown as avsc.Schema, { wrapUnions: false }),
) as [avsc.Type, avsc.Type];
/** A sighting as a release before 0160 reads it: something to be quarantined, under the id that stands in the row. */
const asBefore = (sighting: Envelope) => {
  const row = v1.fromBuffer(encodeEnvelope(sighting, 1).value.subarray(5), v1.createResolver(v2)) as Envelope;
  const { sighting: _, ...rest } = sighting;
  return parsed<Envelope>({ ...rest, eventId: row.eventId, kind: 'quarantine', reason: 'sighting of payment' });
};

test.each([['replayed'], ['met again']])(
  'what a consumer of a release before sightings keeps of one is not in the way of its event, and is joined once %s',
  async (how) => {
    const { send, counts } = await open();
    const [id, payment] = how === 'replayed' ? ['evBefore', 'pay_before'] : ['evAgain', 'pay_again'];
    const [event, sighting] = recordsOf(id, refundOf(payment));
    if (event?.ok !== true || sighting?.ok !== true) throw new Error('a refund carries its payment');
    await send(asBefore(sighting.value));
    // That release had no such column.
    await store.rows("UPDATE webhook_events SET body_key = NULL WHERE reason = 'sighting of payment'");
    await send(event);
    const own = expect.stringMatching(new RegExp(`^${id}\\.payment\\.[0-9a-f]{16}$`)) as string;
    expect(await kept(id)).toMatchObject([
      { id, verdict: 'applied' },
      { id: own, verdict: 'quarantined', sighting: null },
    ]);
    expect(await understoodInQuarantine(store.database)).toEqual({
      events: 1,
      first: { eventId: own, event: 'refund.processed', reason: 'sighting of payment' },
      isCut: false,
    });

    const options = { database: store.database, aggregates: allAggregates, policy: { delaysMs: [1_000] } };
    const waiting = (await kept(id))[1]?.id ?? '';
    if (how === 'replayed') await replayQuarantined(options, waiting, asha, route);
    else {
      await send(sighting);
      await retryParked(options, { family: 'payments', key: payment }, asha);
    }
    expect(await statusOf(payment)).toBe('refunded');
    expect(await kept(id)).toMatchObject([
      { id, verdict: 'applied' },
      { id: own, verdict: 'sighted', sighting: 'payment' },
    ]);
    expect(await store.rows('SELECT name FROM outbox WHERE entity_key = $1', [payment])).toEqual([
      { name: 'payment.refunded' },
    ]);
    expect(await understoodInQuarantine(store.database)).toMatchObject({ events: 0, first: null });
    await send(sighting);
    expect(await counts()).toEqual({ applied: 1, sighted: 1, duplicate: how === 'replayed' ? 1 : 2 });
  },
);
