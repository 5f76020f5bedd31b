import { aggregatesOf } from '#families';
import { parsed } from '#rules';
import { ledgerCounts } from '../../test/kit/ledger-counts.ts';
import { openTestStore, testEvent, TODAY_S } from '../../test/kit/test-store.ts';
import type { TestStore } from '../../test/kit/test-store.ts';
import { eventIdOf } from '../envelope/event-id.ts';

const TOPIC = 'rzp.payments.v1';
const SECONDS_PER_DAY = 86_400;
let store: TestStore;

const captured = (id: string, key: string, amount = 100, at: number | null = TODAY_S) =>
  testEvent('payment.captured', id, key, { status: 'captured', amount, currency: 'INR' }, at);
const bytesOf = (event: ReturnType<typeof captured>): Uint8Array => (event.ok ? event.value.rawBody : never());
const never = (): never => {
  throw new Error('a test event is an envelope');
};

const counts = (partition: number) => ledgerCounts(store, TOPIC, partition);

beforeAll(async () => {
  store = await openTestStore('payments', aggregatesOf('payments'), { role: 'dakia_payments' });
});
afterAll(async () => store.close());

test('copies are applied once: within a batch, between batches, days later, and without a time', async () => {
  const partition = await store.partition(TOPIC, 1);
  await partition.send(
    captured('ev_1', 'pay_1'),
    captured('ev_1', 'pay_1'),
    captured('ev_1_untimed', 'pay_1', 100, null),
  );
  await partition.send(captured('ev_1', 'pay_1'), captured('ev_1_old', 'pay_1', 100, TODAY_S - 400 * SECONDS_PER_DAY));
  await partition.send(
    captured('ev_1_untimed', 'pay_1', 100, null),
    captured('ev_1_old', 'pay_1', 100, TODAY_S - 400 * SECONDS_PER_DAY),
  );
  expect(await counts(1)).toEqual({ applied: 1, stale: 2, duplicate: 4, passed: 7 });
  expect(
    await store.rows("SELECT razorpay_event_id FROM webhook_events WHERE razorpay_event_id LIKE 'ev_1%' ORDER BY 1"),
  ).toHaveLength(3);
  expect(await store.rows("SELECT 1 FROM outbox WHERE entity_key = 'pay_1'")).toHaveLength(1);
});

test('copies of events of several days are found in one batch, by their ids and by their bodies', async () => {
  const partition = await store.partition(TOPIC, 8);
  const days = [-400, -3, 0].map((day) => TODAY_S + day * SECONDS_PER_DAY);
  const events = days.map((at, index) => captured(`ev_8_${index}`, 'pay_8', 100 + index, at));
  await partition.send(...events);
  await partition.send(...events.toReversed());
  await partition.send(
    ...events.map((event, index) =>
      event.ok ? parsed({ ...event.value, eventId: eventIdOf(`ev_8_again_${index}`, bytesOf(event)) }) : never(),
    ),
  );
  expect(await counts(8)).toMatchObject({ duplicate: 6, passed: 9 });
  expect(await store.rows("SELECT 1 FROM webhook_events WHERE entity_key = 'pay_8'")).toHaveLength(3);
});

test('another body under a taken id is applied under the id of its body, once, and is listed as a conflict', async () => {
  const partition = await store.partition(TOPIC, 2);
  await partition.send(captured('ev_2', 'pay_2', 100), captured('ev_2', 'pay_2b', 200));
  await partition.send(
    captured('ev_2', 'pay_2b', 200),
    captured('ev_2', 'pay_2c', 300, TODAY_S + 3_600),
    captured('ev_2', 'pay_2', 100),
  );
  // Alone, so that no other copy in the batch finds the first one for it.
  await partition.send(captured('ev_2', 'pay_2d', 400, TODAY_S - 3_600));
  await partition.send(captured('ev_2', 'pay_2d', 400, TODAY_S - 3_600));
  await partition.send(captured('ev_2', 'pay_2e', 500, null));
  await partition.send(captured('ev_2', 'pay_2e', 500, null));
  expect(await counts(2)).toEqual({ applied: 5, duplicate: 4, passed: 9 });
  expect(
    await store.rows(
      `SELECT payment_id AS id, amount_minor AS amount FROM payment_transactions WHERE payment_id LIKE 'pay_2%'
        ORDER BY 1`,
    ),
  ).toEqual(['', 'b', 'c', 'd', 'e'].map((letter, index) => ({ id: `pay_2${letter}`, amount: 100 * (index + 1) })));
  const conflicts = await store.rows<{ kept_as: string; entity_key: string }>(
    `SELECT c.kept_as, c.entity_key, c.payload FROM event_conflicts c
      JOIN webhook_events e ON e.razorpay_event_id = c.kept_as
      WHERE c.razorpay_event_id = 'ev_2' AND sha256(e.payload) = c.body_sha256 ORDER BY c.kafka_offset`,
  );
  expect(conflicts.map(({ entity_key }) => entity_key)).toEqual(['pay_2b', 'pay_2c', 'pay_2d', 'pay_2e']);
  for (const { kept_as } of conflicts) {
    expect(kept_as).toMatch(/^sha256\.[0-9a-f]{64}$/);
    expect(await store.rows('SELECT verdict, reason FROM audit_logs WHERE razorpay_event_id = $1', [kept_as])).toEqual([
      { verdict: 'applied', reason: 'it came under the event id ev_2, which another body has' },
    ]);
  }
  expect(await store.metrics.metrics()).toContain('dakia_event_conflicts_total{family="payments"} 4');
});

test('a body that an earlier release has kept under its derived id is a duplicate when it comes under a taken one', async () => {
  const partition = await store.partition(TOPIC, 32);
  const body = captured('ev_12', 'pay_12', 100);
  const derived = { ...(body.ok ? body.value : never()), eventId: eventIdOf(undefined, bytesOf(body)) };
  await partition.send(parsed(derived));
  await store.rows("UPDATE webhook_events SET body_key = NULL WHERE entity_key = 'pay_12'");
  await partition.send(captured('ev_12', 'pay_12b', 200), body);
  expect(await counts(32)).toEqual({ applied: 2, duplicate: 1, passed: 3 });
});

test('one body under ever new ids is kept and applied once: within a batch, between batches, and without a time', async () => {
  const partition = await store.partition(TOPIC, 33);
  const replayed = (id: string, at: number | null) => {
    const first = captured('ev_33', 'pay_33', 100, at);
    return first.ok ? { ...first, value: { ...first.value, eventId: id as never } } : first;
  };
  for (const at of [TODAY_S, null, TODAY_S - 400 * SECONDS_PER_DAY]) {
    await partition.send(replayed(`ev_33_0_${at}`, at), replayed(`ev_33_1_${at}`, at));
    await partition.send(replayed(`ev_33_2_${at}`, at));
  }
  expect(await counts(33)).toEqual({ applied: 1, stale: 2, duplicate: 6, passed: 9 });
  expect(await store.rows("SELECT 1 FROM webhook_events WHERE entity_key = 'pay_33'")).toHaveLength(3);
  expect(await store.rows("SELECT 1 FROM event_conflicts WHERE entity_key = 'pay_33'")).toHaveLength(0);
});
