import { aggregatesOf } from '#families';
import { eventually } from '#kit';
import { accounting } from '#operate';
import { adHoc, createDatabase } from '#platform/postgres';
import { dispositions } from '#rules';
import {
  openTestStore,
  TEST_CLUSTER,
  testBody,
  testEvent,
  TODAY_S,
  undecodableRecord,
} from '../../test/kit/test-store.ts';
import { ledgerCounts } from '../../test/kit/ledger-counts.ts';
import type { TestStore } from '../../test/kit/test-store.ts';
import { orderAggregate } from '../domain/families/order/index.ts';
import { applyBatches } from './apply-batches.ts';
import { createPositions, readLedger, rebaseLedger } from './positions.ts';
import { auditRows } from '../operate/row-audit.ts';

const TOPIC = 'rzp.payments.v1';
let store: TestStore;

const captured = (id: string, key: string, amount = 100, at: number | null = TODAY_S) =>
  testEvent('payment.captured', id, key, { status: 'captured', amount, currency: 'INR' }, at);

const counts = (partition: number) => ledgerCounts(store, TOPIC, partition);

beforeAll(async () => {
  store = await openTestStore('payments', aggregatesOf('payments'), { role: 'dakia_payments' });
});
afterAll(async () => store.close());
afterEach(async () => {
  const rows = await store.rows<{ difference: number }>(
    `SELECT next_offset - first_offset - skipped - (${dispositions.join(' + ')}) AS difference FROM partition_ledger`,
  );
  expect(rows.filter(({ difference }) => difference !== 0)).toEqual([]);
  expect(await auditRows(store.database)).toEqual([]);
});

test('an event is a row, an audit row, a request and a counted offset', async () => {
  const partition = await store.partition(TOPIC, 0, 40n);
  expect(await partition.send(captured('ev_0', 'pay_0', 5_000))).toBe('applied');
  expect(
    await store.rows(
      "SELECT payment_id, status, amount_minor, currency FROM payment_transactions WHERE payment_id = 'pay_0'",
    ),
  ).toEqual([{ payment_id: 'pay_0', status: 'captured', amount_minor: 5_000, currency: 'INR' }]);
  expect(
    await store.rows(
      `SELECT event_type, processed, verdict, reason, kafka_offset, created_at,
        payload_json(payload) ->> 'event' AS event FROM webhook_events WHERE razorpay_event_id = 'ev_0'`,
    ),
  ).toEqual([
    {
      event_type: 'payment.captured',
      processed: true,
      verdict: 'applied',
      reason: null,
      kafka_offset: 40,
      created_at: new Date(TODAY_S * 1000),
      event: 'payment.captured',
    },
  ]);
  expect(
    await store.rows(
      "SELECT actor, action, verdict, from_status, to_status, reason FROM audit_logs WHERE razorpay_event_id = 'ev_0'",
    ),
  ).toEqual([
    {
      actor: 'consumer:payments',
      action: 'event',
      verdict: 'applied',
      from_status: null,
      to_status: 'captured',
      reason: null,
    },
  ]);
  expect(await store.rows("SELECT name, payload FROM outbox WHERE entity_key = 'pay_0'")).toEqual([
    { name: 'payment.captured', payload: { eventId: 'ev_0', entityId: 'pay_0', endpoint: 'default' } },
  ]);
  expect(await counts(0)).toEqual({ applied: 1, passed: 1 });
});

test('what is not understood is kept with its bytes and its reason', async () => {
  const partition = await store.partition(TOPIC, 3);
  const noJson = testBody('payment.captured', 'ev_3', 'pay_3', '{}');
  const broken = noJson.ok
    ? { ...noJson, value: { ...noJson.value, rawBody: Buffer.from('\u0000 not json') } }
    : noJson;
  await partition.send(undecodableRecord(), undecodableRecord(), broken, captured('ev_3b', 'pay_3'));
  expect(await counts(3)).toEqual({ applied: 1, quarantined: 3, passed: 4 });
  const rows = await store.rows<{ reason: string; payload: Buffer }>(
    `SELECT kafka_offset, processed, verdict, reason, payload, payload_json(payload) AS json FROM webhook_events
      WHERE kafka_partition = 3 AND NOT processed ORDER BY kafka_offset`,
  );
  expect(rows).toMatchObject([
    {
      kafka_offset: 0,
      processed: false,
      verdict: 'quarantined',
      reason: 'undecodable: the value is not a framed Avro record',
      payload: Buffer.from('raw record'),
      json: null,
    },
    { kafka_offset: 1, verdict: 'quarantined' },
    {
      kafka_offset: 2,
      verdict: 'quarantined',
      reason: 'not-json',
      payload: Buffer.from('\u0000 not json'),
      json: null,
    },
  ]);
});

test('only one of two owners of a partition gets through, and the other is told', async () => {
  const [one, other] = [await store.partition(TOPIC, 4), await store.partition(TOPIC, 4)];
  const outcomes = await Promise.all([one.send(captured('ev_4a', 'pay_4')), other.send(captured('ev_4b', 'pay_4'))]);
  expect([...outcomes].sort()).toEqual(['applied', 'moved']);
  expect(await counts(4)).toEqual({ applied: 1, passed: 1 });
  expect(await store.rows("SELECT 1 FROM webhook_events WHERE razorpay_event_id LIKE 'ev_4%'")).toHaveLength(1);
});

test('a batch that the ledger has passed, and one that it has not come to, change nothing', async () => {
  const partition = await store.partition(TOPIC, 5);
  await partition.send(captured('ev_5', 'pay_5'), captured('ev_5b', 'pay_5'));
  expect(
    await partition.sendAt(0n, captured('ev_5c', 'pay_5'), captured('ev_5d', 'pay_5'), captured('ev_5e', 'pay_5')),
  ).toBe('moved');
  expect(await partition.sendAt(7n, captured('ev_5f', 'pay_5'))).toBe('moved');
  expect(await counts(5)).toMatchObject({ passed: 2 });
});

test('a connection that is lost in the middle leaves nothing behind, and the same batch goes through again', async () => {
  const partition = await store.partition(TOPIC, 6);
  await store.rows(
    "INSERT INTO payment_transactions (payment_id, status, merge_record) VALUES ('pay_6_held', 'created', " +
      '\'{"s":[[0,0,"e"]],"m":{"":[0,"created"]},"f":{}}\')',
  );
  const holder = createDatabase({ url: store.url, poolSize: 1, applicationName: 'holder' });
  const release = Promise.withResolvers<undefined>();
  const held = Promise.withResolvers<undefined>();
  const holding = holder.transaction(async (tx) => {
    await tx.query({ text: "SELECT 1 FROM payment_transactions WHERE payment_id = 'pay_6_held' FOR UPDATE" });
    held.resolve(undefined);
    await release.promise;
  });
  await held.promise;
  const batch = [captured('ev_6a', 'pay_6_new'), captured('ev_6b', 'pay_6_held')];
  const sent = partition.send(...batch);
  const outcome = sent.then(
    () => 'applied',
    (error: unknown) => error,
  );
  const pid = await eventually('the batch waits for the row', async () => {
    const [row] = await store.rows<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
        AND query LIKE '%payment_transactions%' AND pid <> pg_backend_pid()`,
    );
    return row?.pid;
  });
  await store.rows('SELECT pg_terminate_backend($1)', [pid]);
  expect(await outcome).toBeInstanceOf(Error);
  release.resolve(undefined);
  await holding;
  await holder.close();
  expect(await counts(6)).toEqual({ passed: 0 });
  expect(await store.rows("SELECT 1 FROM webhook_events WHERE razorpay_event_id LIKE 'ev_6%'")).toEqual([]);
  expect(await partition.send(...batch)).toBe('applied');
  expect(await counts(6)).toEqual({ applied: 2, passed: 2 });
});

test('Postgres restored from an older backup replays the difference by itself', async () => {
  const partition = await store.partition(TOPIC, 7);
  await partition.send(captured('ev_7a', 'pay_7'));
  // What a restore does: the tables are as they were, all at the same moment.
  const tables = ['partition_ledger', 'webhook_events', 'payment_transactions', 'audit_logs', 'outbox'];
  for (const table of tables) await store.rows(`CREATE TABLE backup_${table} AS SELECT * FROM ${table}`);
  await partition.send(
    testEvent('payment.failed', 'ev_7b', 'pay_7', { status: 'failed' }),
    captured('ev_7c', 'pay_7b'),
  );
  const before = await store.rows(
    `SELECT payment_id, status, amount_minor, merge_record FROM payment_transactions WHERE payment_id LIKE 'pay_7%'
      ORDER BY 1`,
  );
  const numberOf = async () =>
    (
      await store.rows<{ id: number; behind: number }>(
        `SELECT id, extract(epoch FROM clock_timestamp())::float8 * 1e6 - id AS behind FROM outbox
          WHERE entity_key = 'pay_7b'`,
      )
    )[0] as { id: number; behind: number };
  const given = await numberOf();
  // The counter too; and no restore takes less than a second.
  await store.rows("SELECT setval('outbox_id_seq', (SELECT max(id) FROM backup_outbox))");
  await eventually('a second has passed', async () => (await numberOf()).behind > 1_000_000);
  await store.rows(`TRUNCATE ${tables.join(', ')}`);
  for (const table of tables)
    await store.rows(`INSERT INTO ${table} OVERRIDING SYSTEM VALUE SELECT * FROM backup_${table}`);

  const position = await createPositions(store.database, 'payments').positionOf(TOPIC, 7, {
    clusterId: TEST_CLUSTER,
    startOffset: 0n,
    endOffset: 3n,
  });
  expect(position).toEqual({ kind: 'at', offset: 1n });
  await partition.sendAt(
    1n,
    testEvent('payment.failed', 'ev_7b', 'pay_7', { status: 'failed' }),
    captured('ev_7c', 'pay_7b'),
  );
  expect(
    await store.rows(
      `SELECT payment_id, status, amount_minor, merge_record FROM payment_transactions WHERE payment_id LIKE 'pay_7%'
        ORDER BY 1`,
    ),
  ).toEqual(before);
  // Receivers that order by the number take the newest fact for the newest.
  expect((await numberOf()).id).toBeGreaterThan(given.id);
  expect(await counts(7)).toEqual({ applied: 2, stale: 1, passed: 3 });
});

test('numbers of facts are drawn once and grow, however many draw them while the counter is moved', async () => {
  const drawers = Array.from({ length: 4 }, () =>
    createDatabase({ url: store.url, poolSize: 1, applicationName: 'dakia-test', role: 'dakia_payments' }),
  );
  const draw = adHoc('SELECT dakia_outbox_id() AS id FROM generate_series(1, 50)');
  const setBack = adHoc("SELECT setval('outbox_id_seq', last_value - 5000000) FROM outbox_id_seq");
  try {
    for (let round = 0; round < 20; round++) {
      const began = Date.now() * 1000;
      // What a restore does to the counter, before anybody draws.
      await store.database.query(setBack);
      const drawn = await Promise.all(drawers.map(async (drawer) => drawer.query<{ id: number }>(draw)));
      const ids = drawn.map((rows) => rows.map(({ id }) => id));
      for (const one of ids) expect(one).toEqual(one.toSorted((a, b) => a - b));
      expect(new Set(ids.flat()).size).toBe(200);
      expect(Math.min(...ids.flat())).toBeGreaterThan(began - 1_000_000);
    }
    await expect(drawers[0]?.query(setBack)).rejects.toThrow('permission denied');
  } finally {
    await Promise.all(drawers.map(async (drawer) => drawer.close()));
  }
});

test('halts on another cluster, and goes on where an operator decides, with the counts kept', async () => {
  const partition = await store.partition(TOPIC, 8, 100n);
  await partition.send(captured('ev_8a', 'pay_8'), captured('ev_8a', 'pay_8'));
  const positions = createPositions(store.database, 'payments');
  const log = { clusterId: 'new cluster', startOffset: 0n, endOffset: 9n };
  expect(await positions.positionOf(TOPIC, 8, log)).toMatchObject({ kind: 'halted', reason: 'other-cluster' });
  const key = { group: 'payments', topic: TOPIC, partition: 8 };
  expect(
    await rebaseLedger(
      store.database,
      key,
      { clusterId: 'new cluster', startOffset: 5n, offset: 5n },
      { who: 'asha', reason: 'moved to a new cluster' },
    ),
  ).toEqual({ kind: 'moved', skipped: 0 });
  expect(await positions.positionOf(TOPIC, 8, log)).toEqual({ kind: 'at', offset: 5n });
  expect(await counts(8)).toEqual({ applied: 1, duplicate: 1, passed: 2 });
  expect(await store.rows("SELECT actor, reason FROM audit_logs WHERE action = 'ledger.rebase'")).toEqual([
    { actor: 'operator:asha', reason: `payments ${TOPIC}/8 from 102 to 5: moved to a new cluster` },
  ]);
  expect(
    await rebaseLedger(
      store.database,
      { ...key, partition: 99 },
      { clusterId: 'x', startOffset: 0n, offset: 0n },
      { who: 'asha', reason: 'typo' },
    ),
  ).toEqual({ kind: 'no-row' });
});

test('what a rebase passes over is counted as skipped, for ever, and the sum still adds up', async () => {
  const partition = await store.partition(TOPIC, 13, 10n);
  await partition.send(captured('ev_13', 'pay_13'));
  const key = { group: 'payments', topic: TOPIC, partition: 13 };
  const to = async (offset: bigint, clusterId = TEST_CLUSTER) =>
    rebaseLedger(store.database, key, { clusterId, startOffset: 2n, offset }, { who: 'asha', reason: 'a test' });
  const row = async () => (await readLedger(store.database)).find((entry) => entry.partition === 13);
  expect(await to(38n)).toEqual({ kind: 'moved', skipped: 27 });
  expect(await row()).toMatchObject({ skipped: 27, firstOffset: 10n, nextOffset: 38n, counts: { applied: 1 } });
  // Back over what was passed: it is read again, but it stays on record.
  expect(await to(11n)).toEqual({ kind: 'moved', skipped: 0 });
  expect(await row()).toMatchObject({ skipped: 27, nextOffset: 11n });
  // In another log everything before the offset is passed over.
  expect(await to(6n, 'another cluster')).toEqual({ kind: 'moved', skipped: 4 });
  expect(await row()).toMatchObject({ skipped: 31, nextOffset: 6n });
  const account = await accounting(store.database, async () => [
    { topic: TOPIC, partition: 13, startOffset: 2n, endOffset: 6n },
  ]);
  expect(account.partitions.find((entry) => entry.partition === 13)).toMatchObject({
    skipped: 31,
    lag: 0,
    problem: null,
  });
});

test('a log that ended before the position halts for good: what grows past it are other events, until an operator decides', async () => {
  await store.partition(TOPIC, 10, 50n);
  const positions = createPositions(store.database, 'payments');
  const at = (endOffset: bigint) => ({ clusterId: TEST_CLUSTER, startOffset: 0n, endOffset });
  // Once is no proof: another owner may have moved the ledger after the log was read.
  expect(await positions.positionOf(TOPIC, 10, at(20n))).toMatchObject({ kind: 'halted', reason: 'past-end' });
  expect(await positions.positionOf(TOPIC, 10, at(50n))).toEqual({ kind: 'at', offset: 50n });

  const first = await positions.positionOf(TOPIC, 10, at(20n));
  const second = await positions.positionOf(TOPIC, 10, at(20n), first);
  expect(second).toEqual(first);
  expect(await positions.positionOf(TOPIC, 10, at(80n))).toEqual(first);
  const key = { group: 'payments', topic: TOPIC, partition: 10 };
  await rebaseLedger(
    store.database,
    key,
    { clusterId: TEST_CLUSTER, startOffset: 0n, offset: 0n },
    { who: 'asha', reason: 'the topic was made anew' },
  );
  expect(await positions.positionOf(TOPIC, 10, at(80n))).toEqual({ kind: 'at', offset: 0n });
});

test('the status figures are read from the tables and Kafka together', async () => {
  const partition = await store.partition(TOPIC, 9);
  await partition.send(captured('ev_9', 'pay_9'));
  const account = await accounting(store.database, async () => [
    { topic: TOPIC, partition: 9, startOffset: 0n, endOffset: 4n },
  ]);
  expect(account.partitions.find((entry) => entry.partition === 9)).toMatchObject({
    group: 'payments',
    accepted: 4,
    applied: 1,
    lag: 3,
    problem: null,
  });
});

test('a stale event writes no row, and a filling one does', async () => {
  const partition = await store.partition(TOPIC, 10);
  await partition.send(captured('ev_10z', 'pay_10'));
  const xmin = async () =>
    (
      await store.rows<{ xmin: string; email: string }>(
        "SELECT xmin::text, email FROM payment_transactions WHERE payment_id = 'pay_10'",
      )
    )[0];
  // It tells when the payment was authorised, which its capture did not.
  await partition.send(testEvent('payment.authorized', 'ev_10y', 'pay_10', { status: 'authorized' }));
  const before = await xmin();
  await partition.send(testEvent('payment.authorized', 'ev_10a', 'pay_10', { status: 'authorized' }));
  expect(await xmin()).toEqual(before);
  await partition.send(
    testEvent('payment.authorized', 'ev_10b', 'pay_10', { status: 'authorized', email: 'a@example.com' }),
  );
  expect(await xmin()).toMatchObject({ email: 'a@example.com' });
});

test('keys that two partitions share, after a topic got more partitions, lose no update', async () => {
  const [a, b] = [await store.partition(TOPIC, 11), await store.partition(TOPIC, 12)];
  for (let round = 0; round < 20; round++) {
    const key = `pay_11_${round}`;
    const send = async (side: typeof a, make: () => ReturnType<typeof captured>) =>
      eventually('the batch is applied', async () => (await side.send(make()).catch(() => 'moved')) === 'applied');
    await Promise.all([
      send(a, () => captured(`ev_11_${round}`, key)),
      send(b, () => testEvent('payment.failed', `ev_12_${round}`, key, { status: 'failed', email: 'x@example.com' })),
    ]);
  }
  const rows = await store.rows(
    `SELECT 1 FROM payment_transactions WHERE payment_id LIKE 'pay_11%' AND status = 'captured'
      AND email = 'x@example.com' AND amount_minor = 100`,
  );
  expect(rows).toHaveLength(20);
});

test('a hole in the offsets is refused loudly instead of being counted wrong', async () => {
  const handler = applyBatches({
    group: 'payments',
    aggregates: [orderAggregate],
    database: store.database,
    connections: 4,
    clock: () => 0 as never,
    log: {} as never,
    metrics: {} as never,
    policy: { delaysMs: [1] },
  });
  const batch = { topic: TOPIC, partition: 0, firstOffset: 0n, nextOffset: 2n, records: [] };
  await expect(handler(batch, new AbortController().signal)).rejects.toThrow('0 records for the offsets 0 to 1');
});
