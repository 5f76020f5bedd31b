import { aggregatesOf } from '#families';
import { eventually } from '#kit';
import { createDatabase } from '#platform/postgres';
import { instant } from '#rules';
import { openTestStore, TEST_CLUSTER, TEST_NOW, testEvent, TODAY_S } from '../../test/kit/test-store.ts';
import type { TestPartition, TestStore } from '../../test/kit/test-store.ts';
import { createPositions } from './positions.ts';

const TOPIC = 'rzp.payments.v1';
jest.setTimeout(30_000);
let store: TestStore;

const captured = (id: string, key: string, amount = 100, at: number | null = TODAY_S) =>
  testEvent('payment.captured', id, key, { status: 'captured', amount, currency: 'INR' }, at);

/** Where each partition stands, and which transaction wrote it last. */
const ledger = async () =>
  new Map(
    (
      await store.rows<{ partition: number; next: number; xmin: string; parked: number; applied: number }>(
        'SELECT partition, next_offset AS next, xmin::text, parked, applied FROM partition_ledger',
      )
    ).map((row) => [row.partition, row]),
  );

/** Holds what `sql` locks until it is told to let go. */
const holding = async (sql: string): Promise<() => Promise<void>> => {
  const holder = createDatabase({ url: store.url, poolSize: 1, applicationName: 'holder' });
  const [release, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const done = holder.transaction(async (tx) => {
    await tx.query({ text: sql });
    held.resolve();
    await release.promise;
  });
  await held.promise;
  return async () => {
    release.resolve();
    await done;
    await holder.close();
  };
};

const open = (...partitions: readonly number[]): Promise<TestPartition[]> =>
  Promise.all(partitions.map((partition) => store.partition(TOPIC, partition)));
/** Sends to all at once, so that they go into one transaction. */
const together = (partitions: readonly TestPartition[], make: (index: number) => ReturnType<typeof captured>[]) =>
  Promise.all(partitions.map((partition, index) => partition.send(...make(index))));

beforeAll(async () => {
  store = await openTestStore('payments', aggregatesOf('payments'), { role: 'dakia_payments', poolSize: 6 });
});
afterAll(async () => store.close());

test('what gathered over several partitions is one transaction, counted partition by partition', async () => {
  const partitions = await open(0, 1, 2, 3);
  await together(partitions, (index) => [
    captured(`one_${index}`, `pay_one_${index}`),
    captured(`two_${index}`, `pay_two_${index}`),
  ]);
  const rows = [...(await ledger()).values()].toSorted((a, b) => a.partition - b.partition);
  expect(rows.map(({ partition, next, applied }) => [partition, next, applied])).toEqual(
    [0, 1, 2, 3].map((at) => [at, 2, 2]),
  );
  expect(new Set(rows.map(({ xmin }) => xmin)).size).toBe(1);
  const events = await store.rows<{ xmin: string; kafka_partition: number }>(
    "SELECT DISTINCT xmin::text, kafka_partition FROM webhook_events WHERE razorpay_event_id ~ '^(one|two)_'",
  );
  expect(events).toHaveLength(4);
  expect(new Set(events.map(({ xmin }) => xmin))).toEqual(new Set([rows[0]?.xmin]));
});

test.each([
  ['a row of one payment', 10, "SELECT 1 FROM payment_transactions WHERE payment_id = 'pay_held' FOR UPDATE"],
  ['a ledger row, as a retry does', 14, 'SELECT 1 FROM partition_ledger WHERE partition = 14 FOR UPDATE'],
  ['a parked key', 18, "SELECT 1 FROM parked_keys WHERE entity_key = 'pay_parked' FOR UPDATE"],
])('while somebody holds %s only its partition waits; the others go on, batch after batch', async (what, at, sql) => {
  const [stuck, ...others] = await open(at, at + 1, at + 2, at + 3);
  if (stuck === undefined) throw new Error('no partition');
  await stuck.send(captured(`seed ${what}`, 'pay_held'));
  await store.rows(
    `INSERT INTO parked_keys (family, entity_key, consumer_group, reason, failing_event_id)
      VALUES ('payments', 'pay_parked', 'payments', 'a test', 'nothing') ON CONFLICT DO NOTHING`,
  );
  const release = await holding(sql);
  const waits = stuck.send(captured(`held ${what}`, 'pay_held'), captured(`parked ${what}`, 'pay_parked'));
  let isSettled = false;
  void waits.finally(() => (isSettled = true));
  const before = await ledger();
  for (let round = 0; round < 10; round += 1)
    expect(
      await together(others, (index) => [captured(`free ${what} ${index} ${round}`, `pay_free_${index}`)]),
    ).toEqual(['applied', 'applied', 'applied']);
  expect(isSettled).toBe(false);
  await release();
  expect(await waits).toBe('applied');
  expect((await ledger()).get(at)?.next).toBe(Number(before.get(at)?.next) + 2);
});

test('a range whose ledger moved drops out alone, and so does one that its partition has not come to', async () => {
  const [moved, ...others] = await open(24, 25, 26);
  if (moved === undefined) throw new Error('no partition');
  const outcomes = await Promise.all([
    moved.sendAt(5n, captured('moved_0', 'pay_moved')),
    ...others.map((partition, index) => partition.send(captured(`stays_${index}`, `pay_stays_${index}`))),
  ]);
  expect(outcomes).toEqual(['moved', 'applied', 'applied']);
  expect(await store.rows("SELECT 1 FROM webhook_events WHERE razorpay_event_id = 'moved_0'")).toEqual([]);
});

test('the partitions of an assignment, new ones and old, take one connection to know where they stand', async () => {
  const applicationName = 'dakia-of-an-assignment';
  await (await store.partition(TOPIC, 81, 7n)).send(captured('of_41', 'pay_41'));
  const database = createDatabase({ url: store.url, poolSize: 5, applicationName, role: 'dakia_payments' });
  try {
    const positions = createPositions(database, 'payments');
    const log = { clusterId: TEST_CLUSTER, startOffset: 3n, endOffset: 90n };
    const found = await Promise.all([80, 81, 82, 83, 84].map((number) => positions.positionOf(TOPIC, number, log)));
    expect(found).toMatchObject([3n, 8n, 3n, 3n, 3n].map((offset) => ({ kind: 'at', offset })));
    expect(
      await store.rows('SELECT pid FROM pg_stat_activity WHERE application_name = $1', [applicationName]),
    ).toHaveLength(1);
  } finally {
    await database.close();
  }
});

test('a group is told where its own partitions stand', async () => {
  const others = createPositions(store.database, 'another');
  const log = { clusterId: TEST_CLUSTER, startOffset: 7n, endOffset: 10n };
  await others.positionOf('rzp.refunds.v1', 90, log);
  expect(await others.standings()).toEqual(new Map([['rzp.refunds.v1/90', 7n]]));
  expect((await createPositions(store.database, 'payments').standings()).has('rzp.refunds.v1/90')).toBe(false);
});

test('an event that Postgres refuses is found in its own partition; the others are applied in a batch each', async () => {
  const partitions = await open(30, 31, 32);
  await store.rows('ALTER TABLE payment_transactions ADD CONSTRAINT no_thirteen CHECK (amount_minor <> 13) NOT VALID');
  await together(partitions, (index) =>
    [0, 1, 2, 3, 4, 5].map((number) =>
      captured(`refused_${index}_${number}`, `pay_refused_${index}_${number}`, index === 1 && number === 3 ? 13 : 100),
    ),
  );
  const rows = await ledger();
  expect([30, 31, 32].map((at) => [rows.get(at)?.applied, rows.get(at)?.parked])).toEqual([
    [6, 0],
    [5, 1],
    [6, 0],
  ]);
  const whole = await store.rows<{ kafka_partition: number; transactions: number }>(
    `SELECT kafka_partition, count(DISTINCT xmin::text)::int AS transactions FROM webhook_events
      WHERE razorpay_event_id ~ '^refused_' GROUP BY 1 ORDER BY 1`,
  );
  expect(whole.filter(({ kafka_partition }) => kafka_partition !== 31)).toEqual([
    { kafka_partition: 30, transactions: 1 },
    { kafka_partition: 32, transactions: 1 },
  ]);
});

test('the same event on two partitions at once is one event, also when its body has no time', async () => {
  const partitions = await open(40, 41);
  for (const at of [TODAY_S, null])
    expect(await together(partitions, () => [captured(`twice_${at}`, 'pay_twice', 100, at)])).toEqual([
      'applied',
      'applied',
    ]);
  expect(await store.rows("SELECT 1 FROM webhook_events WHERE razorpay_event_id ~ '^twice_'")).toHaveLength(2);
  const counts = await store.rows(
    `SELECT sum(applied + stale)::int AS first, sum(duplicate)::int AS copies FROM partition_ledger
      WHERE partition IN (40, 41)`,
  );
  expect(counts).toEqual([{ first: 2, copies: 2 }]);
});

test('undated first copies that two processes apply at once are one event', async () => {
  const [here, there] = [await store.partition(TOPIC, 45), await store.elsewhere(TOPIC, 46)];
  // Each was received at a time of its own, which is all the time that they have.
  const received = (id: string, seconds: number) => {
    const event = captured(id, 'pay_undated', 100, null);
    return event.ok ? { ...event, value: { ...event.value, receivedAt: instant(TEST_NOW + seconds * 1_000) } } : event;
  };
  await here.send(captured('undated_seed', 'pay_undated'));
  const release = await holding("SELECT 1 FROM payment_transactions WHERE payment_id = 'pay_undated' FOR UPDATE");
  const sent = [here.send(received('undated', 0)), there.send(received('undated', 9))];
  const waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
  await eventually('both wait', async () => (await store.rows(waiting)).length === 2);
  await release();
  expect(await Promise.all(sent)).toEqual(['applied', 'applied']);
  expect(await store.rows("SELECT 1 FROM webhook_events WHERE razorpay_event_id = 'undated'")).toHaveLength(1);
});

test('a copy whose first one drops out is the first one itself', async () => {
  const [stuck, other] = await open(42, 43);
  if (stuck === undefined || other === undefined) throw new Error('no partition');
  await stuck.send(captured('copy_seed', 'pay_copy_held'));
  const release = await holding("SELECT 1 FROM payment_transactions WHERE payment_id = 'pay_copy_held' FOR UPDATE");
  const first = stuck.send(captured('copy_of', 'pay_copy_other'), captured('copy_held', 'pay_copy_held'));
  expect(await other.send(captured('copy_of', 'pay_copy_other'))).toBe('applied');
  expect(await store.rows("SELECT kafka_partition FROM webhook_events WHERE razorpay_event_id = 'copy_of'")).toEqual([
    { kafka_partition: 43 },
  ]);
  await release();
  expect(await first).toBe('applied');
  expect((await ledger()).get(42)?.next).toBe(3);
  expect(await store.rows("SELECT 1 FROM webhook_events WHERE razorpay_event_id = 'copy_of'")).toHaveLength(1);
});

test('a batch that takes longer than the statement time-out is cut until it passes', async () => {
  const [partition] = await open(50);
  // Postgres stops a statement that inserts more than five rows, as
  // the time-out stops one that is too large for a slow disk.
  await store.rows(`CREATE FUNCTION too_slow() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF (SELECT count(*) FROM rows WHERE razorpay_event_id ~ '^slow_') > 5 THEN
        RAISE EXCEPTION 'canceling statement due to statement timeout' USING ERRCODE = 'query_canceled';
      END IF;
      RETURN NULL;
    END $$`);
  await store.rows(
    `CREATE TRIGGER too_slow AFTER INSERT ON webhook_events REFERENCING NEW TABLE AS rows FOR EACH STATEMENT EXECUTE
      FUNCTION too_slow()`,
  );
  expect(
    await partition?.send(
      ...Array.from({ length: 17 }, (_, number) => captured(`slow_${number}`, `pay_slow_${number}`)),
    ),
  ).toBe('applied');
  expect((await ledger()).get(50)).toMatchObject({ next: 17, applied: 17, parked: 0 });
  await store.rows('DROP TRIGGER too_slow ON webhook_events');
});

test('a right that is missing on one table stops only the partitions of its family', async () => {
  const [payments] = await open(60);
  const orders = await store.partition('rzp.orders.v1', 60);
  const paid = (id: string) =>
    testEvent('order.paid', id, 'order_right', { status: 'paid', amount: 5, currency: 'INR' });
  await store.rows('REVOKE INSERT, UPDATE ON payment_orders FROM dakia_payments');
  const refused = orders.send(paid('right_0'));
  const applied = payments?.send(captured('right_1', 'pay_right'));
  await expect(refused).rejects.toMatchObject({ code: '42501' });
  expect(await applied).toBe('applied');
  await store.rows('GRANT INSERT, UPDATE ON payment_orders TO dakia_payments');
  await eventually('it goes on', async () => (await orders.send(paid('right_0'))) === 'applied');
});
