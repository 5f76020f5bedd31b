import type { Envelope } from '#envelope';
import { aggregatesOf } from '#families';
import { accounting } from '#operate';
import { wakeParked } from '#parking';
import type { Parsed } from '#rules';
import { openTestStore, testEvent } from '../../test/kit/test-store.ts';
import type { TestPartition, TestStore } from '../../test/kit/test-store.ts';
import { readLedger } from './positions.ts';
import { DEFAULT_RETRY_DELAYS_MS } from './retry-policy.ts';
import { auditRows } from '../operate/row-audit.ts';

let store: TestStore;
let quarantine: TestPartition;
let payments: TestPartition;
let partitions = 0;

beforeAll(
  async () => void (store = await openTestStore('payments', aggregatesOf('payments'), { role: 'dakia_payments' })),
);
afterAll(async () => store.close());
beforeEach(async () => {
  partitions += 1;
  [quarantine, payments] = await Promise.all([
    store.partition('rzp.quarantine.v1', partitions),
    store.partition('rzp.payments.v1', partitions),
  ]);
});

const captured = (id: string, amount = 100) =>
  testEvent('payment.captured', id, `pay_${id}`, { status: 'captured', amount });
/** As an ingest wrote it that did not know the event. */
const unknown = (id: string, amount = 100): Parsed<Envelope> => {
  const known = captured(id, amount);
  return known.ok
    ? { ok: true, value: { ...known.value, kind: 'quarantine', event: 'payment.captured', reason: 'unknown-event' } }
    : known;
};
const wake = (id: string) =>
  wakeParked(
    {
      database: store.database,
      aggregates: aggregatesOf('payments'),
      policy: { delaysMs: DEFAULT_RETRY_DELAYS_MS },
      actor: 'test',
    },
    { family: 'payments', key: `pay_${id}` },
  );
const kept = (id: string) =>
  store.rows('SELECT verdict, family, entity_key, kafka_topic FROM webhook_events WHERE razorpay_event_id = $1', [id]);
const statusOf = (id: string) =>
  store.rows('SELECT status FROM payment_transactions WHERE payment_id = $1', [`pay_${id}`]);
const counts = async () => {
  const account = await accounting(store.database, async () =>
    (await readLedger(store.database)).map((row) => ({
      ...row,
      startOffset: row.firstOffset,
      endOffset: row.nextOffset,
    })),
  );
  expect(account.difference).toBe(0);
  expect(await auditRows(store.database)).toEqual([]);
  return account.partitions
    .filter(({ partition }) => partition === partitions)
    .map(({ topic, applied, duplicate, rejected, parked, quarantined }) => ({
      topic,
      applied,
      duplicate,
      rejected,
      parked,
      quarantined,
    }));
};

test('an event that is in the quarantine is applied once a copy of it is understood, and counted where it was kept', async () => {
  await quarantine.send(unknown('a'), unknown('other'));
  expect(await payments.send(captured('a'), captured('a'), captured('b'))).toBe('applied');
  expect(await kept('a')).toEqual([
    { verdict: 'parked', family: 'payments', entity_key: 'pay_a', kafka_topic: 'rzp.quarantine.v1' },
  ]);
  expect(await statusOf('b')).toEqual([{ status: 'captured' }]);
  expect(
    await store.rows(`SELECT actor, family, entity_key, reason FROM audit_logs WHERE action = 'quarantine.replay'`),
  ).toEqual([
    {
      actor: 'consumer:payments',
      family: 'payments',
      entity_key: 'pay_a',
      reason: `understood as it came again at rzp.payments.v1/${partitions}, offset 0`,
    },
  ]);

  expect(await wake('a')).toMatchObject({ kind: 'unparked', applied: 1 });
  expect(await statusOf('a')).toEqual([{ status: 'captured' }]);
  expect(await kept('a')).toMatchObject([{ verdict: 'applied' }]);
  expect(await counts()).toEqual([
    { topic: 'rzp.payments.v1', applied: 1, duplicate: 2, rejected: 0, parked: 0, quarantined: 0 },
    { topic: 'rzp.quarantine.v1', applied: 1, duplicate: 0, rejected: 0, parked: 0, quarantined: 1 },
  ]);
});

test('the other way round the quarantined copy is a duplicate', async () => {
  await payments.send(captured('c'));
  await payments.send(captured('c'));
  await quarantine.send(unknown('c'));
  expect(await kept('c')).toEqual([
    { verdict: 'applied', family: 'payments', entity_key: 'pay_c', kafka_topic: 'rzp.payments.v1' },
  ]);
  expect(await counts()).toMatchObject([
    { applied: 1, duplicate: 1 },
    { duplicate: 1, quarantined: 0 },
  ]);
});

test('another body under the same id takes nothing out of the quarantine, and neither does a copy that is not understood either', async () => {
  await quarantine.send(unknown('d'), unknown('e'));
  await payments.send(captured('d', 200));
  await quarantine.send(unknown('e'));
  expect([...(await kept('d')), ...(await kept('e'))]).toMatchObject([
    { verdict: 'quarantined' },
    { verdict: 'quarantined' },
  ]);
  expect(await counts()).toMatchObject([
    { applied: 1, rejected: 0, parked: 0 },
    { duplicate: 1, quarantined: 2 },
  ]);
});

test('a key that waits anyway keeps its order: what was in the quarantine takes its place', async () => {
  await store.rows(`ALTER TABLE payment_transactions ADD CONSTRAINT no_thirteen CHECK (amount_minor <> 13)`);
  await quarantine.send(unknown('f', 13));
  // The same batch parks the key for another event of it, and knows the quarantined one.
  await payments.send(testEvent('payment.failed', 'f2', 'pay_f', { status: 'failed', amount: 13 }), captured('f', 13));
  expect(await store.rows('SELECT family, entity_key FROM parked_keys')).toEqual([
    { family: 'payments', entity_key: 'pay_f' },
  ]);
  await store.rows('ALTER TABLE payment_transactions DROP CONSTRAINT no_thirteen');
  await store.rows('UPDATE parked_keys SET next_attempt_at = now()');
  expect(await wake('f')).toMatchObject({ kind: 'unparked', applied: 2 });
  expect(await statusOf('f')).toEqual([{ status: 'captured' }]);
  expect(await counts()).toMatchObject([
    { duplicate: 1, parked: 0 },
    { parked: 0, quarantined: 0 },
  ]);
});

test('a copy that is not understood and comes first in one transaction is the duplicate of the one that is', async () => {
  await payments.send(unknown('g'), captured('g'), unknown('g'));
  expect(await kept('g')).toMatchObject([{ verdict: 'applied', family: 'payments', entity_key: 'pay_g' }]);
  expect(await counts()).toMatchObject([
    { topic: 'rzp.payments.v1', applied: 1, duplicate: 2, quarantined: 0 },
    { topic: 'rzp.quarantine.v1', quarantined: 0 },
  ]);
});
