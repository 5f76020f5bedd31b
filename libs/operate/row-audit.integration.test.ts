import { readFileSync } from 'node:fs';
import path from 'node:path';
import { readLedger, rebaseLedger } from '#apply';
import { aggregatesOf } from '#families';
import { openTestStore, TEST_CLUSTER, testEvent } from '../../test/kit/test-store.ts';
import type { TestPartition, TestStore } from '../../test/kit/test-store.ts';
import { recountLedger } from './recount.ts';
import { auditRows } from './row-audit.ts';

const place = { group: 'payments', topic: 'rzp.payments.v1', partition: 0 };
const decision = { who: 'asha', reason: 'a test' };
const captured = (id: string) => testEvent('payment.captured', id, `pay_${id}`, { status: 'captured', amount: 100 });
const exchanged = [
  { kind: 'events', topic: place.topic, partition: 0, events: 1 },
  expect.objectContaining({ kind: 'surplus', topic: place.topic, partition: 0, events: 1 }),
];
let store: TestStore;
let partition: TestPartition;
beforeEach(async () => {
  store = await openTestStore('payments', aggregatesOf('payments'), { role: 'dakia_payments' });
  partition = await store.partition(place.topic);
});
afterEach(async () => store.close());

/** The row of an event is gone, and another one stands as the same in the same partition: no number is wrong. */
const exchange = async (id: string, isCounted: boolean): Promise<void> => {
  await store.rows(
    `WITH gone AS (DELETE FROM webhook_events WHERE razorpay_event_id = $1 RETURNING *)
     INSERT INTO webhook_events (razorpay_event_id, created_at, event_type, family, entity_key, processed, verdict,
       received_at, kafka_topic, kafka_partition, kafka_offset, payload, counted)
     SELECT 'not_' || $1, created_at, event_type, family, entity_key, processed, verdict, received_at, kafka_topic,
       kafka_partition, kafka_offset, payload, $2 FROM gone`,
    [id, isCounted],
  );
};
const recount = async () => recountLedger(store.database, place, { ...decision, execute: true });

test.each([true, false])(
  'a row in place of another of the same verdict and partition is found, and taken as it is (a copy of a row: %s)',
  async (isCounted) => {
    await partition.send(captured('a'), captured('b'), captured('c'));
    expect(await auditRows(store.database)).toEqual([]);
    await exchange('b', isCounted);
    expect(await auditRows(store.database)).toEqual(exchanged);
    expect(await recount()).toMatchObject({ kind: 'counted', missing: 1, surplus: 1 });
    expect(await auditRows(store.database)).toEqual([]);
    // What was taken counts from then on, as every other row.
    await partition.send(captured('d'));
    await exchange('not_b', true);
    expect(await auditRows(store.database)).toEqual(exchanged);
  },
);

test('a lost row that is put back as it was is no difference', async () => {
  await partition.send(captured('a'), captured('b'));
  await store.rows("CREATE TABLE kept_aside AS SELECT * FROM webhook_events WHERE razorpay_event_id = 'a'");
  await store.rows("DELETE FROM webhook_events WHERE razorpay_event_id = 'a'");
  expect(await auditRows(store.database)).toEqual([expect.objectContaining({ kind: 'events', events: 1 })]);
  await store.rows('INSERT INTO webhook_events SELECT * FROM kept_aside');
  expect(await auditRows(store.database)).toEqual([]);
});

test('what is applied again after a rebase is counted twice and taken as it is; copies change nothing', async () => {
  await partition.send(captured('a'), captured('b'), captured('c'));
  await store.rows("DELETE FROM webhook_events WHERE razorpay_event_id = 'b'");
  const to = { clusterId: TEST_CLUSTER, offset: 0n, startOffset: 0n };
  expect(await rebaseLedger(store.database, place, to, decision)).toEqual({ kind: 'moved', skipped: 0 });
  const again = await store.partition(place.topic);
  expect(await again.send(captured('a'), captured('b'), captured('c'))).toBe('applied');
  expect(await auditRows(store.database)).toEqual([expect.objectContaining({ kind: 'events', events: 1 })]);
  expect(await recount()).toMatchObject({ missing: 1, surplus: 0 });
  expect(await auditRows(store.database)).toEqual([]);
  await exchange('c', true);
  expect(await auditRows(store.database)).toEqual(exchanged);
});

test('a database of before gets its digests from the rows; what the former release still writes is no difference', async () => {
  await partition.send(captured('a'), captured('b'));
  // As 0340 leaves it: every row counts, and no digest has been made.
  await store.rows('UPDATE partition_ledger SET rows_digest = 0');
  // A consumer of the former release goes on meanwhile, and one of this release after it.
  await partition.send(captured('former'));
  await store.rows('UPDATE partition_ledger SET rows_digest = 0');
  await store.rows("UPDATE webhook_events SET counted = false WHERE razorpay_event_id = 'former'");
  await partition.send(captured('new'));
  const migration = path.join(import.meta.dirname, '../../migrations/0341_digest_of_rows.sql');
  // The rows of this release count already.
  await store.rows("UPDATE webhook_events SET counted = false WHERE razorpay_event_id = 'new'");
  await store.rows(readFileSync(migration, 'utf8'));
  await store.rows("UPDATE webhook_events SET counted = true WHERE razorpay_event_id = 'new'");
  expect(await auditRows(store.database)).toEqual([]);
  await exchange('a', true);
  expect(await auditRows(store.database)).toEqual(exchanged);
  expect((await readLedger(store.database))[0]?.rowsDigest).not.toBe(0n);
});
