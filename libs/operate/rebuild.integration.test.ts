import { searchKey } from '#apply';
import type { SearchKey } from '#apply';
import type { Family } from '#catalogue';
import { toEnvelopes } from '#envelope';
import { aggregateOf, allAggregates } from '#families';
import { createDatabase } from '#platform/postgres';
import type { Database } from '#platform/postgres';
import { instant, parsed } from '#rules';
import type { JsonRecord } from '#rules';
import { openTestStore, testEvent, TODAY_S } from '../../test/kit/test-store.ts';
import type { TestStore } from '../../test/kit/test-store.ts';
import { rebuild } from './rebuild.ts';
import type { RowChange } from './rebuild.ts';

/** The machine may be busy with other tests. */
jest.setTimeout(30_000);

let store: TestStore;
let database: Database;
let all: Awaited<ReturnType<TestStore['partition']>>;
const by = { who: 'asha', reason: 'upgrade' };

beforeAll(async () => {
  store = await openTestStore('all', allAggregates);
  database = createDatabase({ url: store.url, poolSize: 1, applicationName: 'dakia-test' });
  all = await store.partition('rzp.all.v1');
});
afterAll(async () => {
  await database.close();
  await store.close();
});

const refund = (payment: string, status: string, amount = 500): JsonRecord => ({
  event: 'refund.processed',
  account_id: 'acc_1',
  payload: {
    refund: { entity: { id: `rfnd_${payment}`, payment_id: payment, amount, status: 'processed' } },
    payment: {
      entity: { id: payment, amount, amount_refunded: amount, status, captured: true, email: 'a@example.com' },
    },
  },
  created_at: TODAY_S,
});
const deliver = async (id: string, body: JsonRecord) =>
  all.send(
    ...toEnvelopes({
      rawBody: Buffer.from(JSON.stringify(body)),
      eventIdHeader: id,
      endpoint: 'default',
      receivedAt: instant((TODAY_S + 60) * 1000),
      traceparent: undefined,
    }).map((envelope) => parsed(envelope)),
  );

const run = async (family: Family, decide: (change: RowChange) => 'write' | 'leave' | 'stop', key?: SearchKey) => {
  const met: RowChange[] = [];
  const done = await rebuild(database, aggregateOf(family), {
    family,
    by,
    searchKey: key,
    decide: (change) => {
      met.push(change);
      return decide(change);
    },
  });
  return { ...done, met };
};
/** A row that was made anew was first seen later. */
const everything = async (table: string) =>
  store.rows<{ readonly row: JsonRecord }>(
    `SELECT to_jsonb(t) - 'updated_at' - 'first_seen_at' AS row FROM ${table} t ORDER BY 1`,
  );

test('rows that consumers have made are what the events say: nothing differs', async () => {
  await deliver('evSame1', refund('pay_same1', 'refunded'));
  await all.send(
    testEvent('payment.authorized', 'evSame2', 'pay_same2', { status: 'authorized', amount: 7 }),
    testEvent('payment.captured', 'evSame3', 'pay_same2', { status: 'captured', amount: 7, fee: 1 }, TODAY_S + 5),
  );
  expect(await run('payments', () => 'write')).toMatchObject({ met: [], written: 0, left: [] });
});

test('what an earlier release did not read is filled, from sightings too; first only shown, then done, then no more', async () => {
  await deliver('evFill', refund('pay_fill', 'refunded'));
  await all.send(testEvent('payment.captured', 'evFill2', 'pay_col', { status: 'captured', amount: 9, fee: 2 }));
  const right = await everything('payment_transactions');
  // As if the release had known no sightings, and no fees.
  await store.rows("DELETE FROM payment_transactions WHERE payment_id = 'pay_fill'");
  await store.rows("UPDATE payment_transactions SET fee_minor = NULL WHERE payment_id = 'pay_col'");

  const shown = await run('payments', () => 'leave');
  expect(shown.met.map(({ key, isNew }) => [key, isNew])).toEqual([
    ['pay_col', false],
    ['pay_fill', true],
  ]);
  expect(shown.met[0]?.columns).toEqual([{ column: 'fee_minor', before: null, after: 2 }]);
  expect(shown.met[1]?.columns).toContainEqual({ column: 'status', before: null, after: 'refunded' });
  expect(await everything('payment_transactions')).not.toEqual(right);

  expect((await run('payments', () => 'write')).written).toBe(2);
  expect(await everything('payment_transactions')).toEqual(right);
  expect(await run('payments', () => 'write')).toMatchObject({ met: [], written: 0 });
  expect(
    await store.rows(
      `SELECT actor, entity_key, from_status, to_status, reason FROM audit_logs WHERE action = 'rebuild'
        AND entity_key = 'pay_col'`,
    ),
  ).toEqual([
    {
      actor: 'operator:asha',
      entity_key: 'pay_col',
      from_status: 'captured',
      to_status: 'captured',
      reason: 'upgrade: fee_minor',
    },
  ]);
});

test('a status that an earlier release read otherwise gives way where every source is kept, and stays where one is not', async () => {
  const dispute = (id: string, key: string) =>
    testEvent('payment.dispute.won', id, key, { status: 'lost', amount: 5, payment_id: 'pay_d' });
  await all.send(dispute('evD1', 'disp_kept'), dispute('evD2', 'disp_partly'));
  // The former release went by the name, and its mark stood higher than any that this one gives.
  const wrong = `UPDATE payment_disputes SET status = 'won', merge_record = jsonb_set(jsonb_set(merge_record, '{s,0,0}',
    '99'), '{m}', replace((merge_record->'m')::text, 'lost', 'won')::jsonb)`;
  await store.rows(`${wrong} WHERE dispute_id = 'disp_kept'`);
  await store.rows(`${wrong} WHERE dispute_id = 'disp_partly'`);
  await store.rows("DELETE FROM webhook_events WHERE razorpay_event_id = 'evD2'");
  const others = testEvent(
    'payment.dispute.created',
    'evD3',
    'disp_partly',
    { status: 'open', amount: 5 },
    TODAY_S - 9,
  );
  await all.send(others);
  await run('disputes', () => 'write');
  expect(await store.rows('SELECT dispute_id, status FROM payment_disputes ORDER BY 1')).toEqual([
    { dispute_id: 'disp_kept', status: 'lost' },
    { dispute_id: 'disp_partly', status: 'won' },
  ]);
});

test('events that an earlier release kept become the family’s, once, and what was kept of the entity goes', async () => {
  const account = (name: 'activated' | 'suspended', id: string, at: number) =>
    testEvent(
      `account.${name}`,
      id,
      'JNraR8O85H1atC',
      { live: true, suspended_at: null, updated_at: at, email: 'shop@example.com' },
      at,
    );
  await all.send(account('activated', 'evA1', TODAY_S), account('suspended', 'evA2', TODAY_S + 5));
  const right = await everything('account_events');
  // As the former release left it: both were kept.
  await store.rows('DELETE FROM account_events');
  await store.rows("DELETE FROM outbox WHERE family = 'accounts'");
  await store.rows("UPDATE webhook_events SET family = 'kept', verdict = 'kept' WHERE family = 'accounts'");
  await store.rows(
    `INSERT INTO provider_events (entity, status, kind, event, last_event_id, merge_record)
     VALUES ('JNraR8O85H1atC', 'kept', 'account', 'account.suspended', 'evA2', '{}'),
            ('acc_JNraR8O85H1atC/gmv_limit', 'kept', 'gmv_limit', 'account.instant_activation_gmv_limit_warning', 'evA3', '{}')`,
  );

  expect(await run('kept', () => 'write')).toMatchObject({ written: 0, left: [] });
  const shown = await run('accounts', () => 'leave');
  expect(shown.met.map(({ key, columns }) => [key, columns.find(({ column }) => column === 'kept events')])).toEqual([
    ['JNraR8O85H1atC', { column: 'kept events', before: 2, after: null }],
  ]);
  expect(await store.rows('SELECT entity FROM provider_events')).toHaveLength(2);

  expect((await run('accounts', () => 'write', searchKey('k'.repeat(32)))).written).toBe(1);
  expect(await everything('account_events')).toEqual(right);
  expect(await store.rows("SELECT family, verdict FROM webhook_events WHERE event_type LIKE 'account.%'")).toEqual([
    { family: 'accounts', verdict: 'kept' },
    { family: 'accounts', verdict: 'kept' },
  ]);
  expect(await store.rows('SELECT kind FROM provider_events')).toEqual([{ kind: 'gmv_limit' }]);
  expect(await store.rows("SELECT entity_key FROM search_digests WHERE family = 'accounts'")).toEqual([
    { entity_key: 'JNraR8O85H1atC' },
  ]);
  expect(await store.rows("SELECT name FROM outbox WHERE family = 'accounts'")).toEqual([]);
  expect(await run('accounts', () => 'write')).toMatchObject({ met: [], written: 0, left: [] });
});

test('no fact is told again, and none anew', async () => {
  await deliver('evFact', refund('pay_fact', 'refunded'));
  await store.rows("DELETE FROM payment_transactions WHERE payment_id = 'pay_fact'");
  await store.rows("DELETE FROM outbox WHERE entity_key = 'pay_fact'");
  await run('payments', () => 'write');
  expect(await store.rows("SELECT status FROM payment_transactions WHERE payment_id = 'pay_fact'")).toHaveLength(1);
  expect(await store.rows("SELECT name FROM outbox WHERE entity_key = 'pay_fact'")).toEqual([]);
});

test('a row whose body was erased stays blank, and one that Postgres refuses is named; the others are done', async () => {
  await all.send(
    testEvent('payment.captured', 'evErased', 'pay_erased', { status: 'captured', email: 'b@example.com' }),
    testEvent('payment.captured', 'evErased2', 'pay_erased', { status: 'captured', email: 'b@example.com', fee: 1 }),
    testEvent('payment.captured', 'evRefused', 'pay_refused', { status: 'captured', amount: 13, fee: 3 }),
    testEvent('payment.captured', 'evOther', 'pay_other', { status: 'captured', amount: 14, fee: 3 }),
  );
  await store.rows(
    "UPDATE webhook_events SET payload = '', erased_sha256 = sha256(payload) WHERE razorpay_event_id = 'evErased'",
  );
  await store.rows("UPDATE payment_transactions SET email = NULL WHERE payment_id = 'pay_erased'");
  await store.rows("UPDATE payment_transactions SET fee_minor = NULL WHERE payment_id IN ('pay_refused', 'pay_other')");
  await store.rows(
    'ALTER TABLE payment_transactions ADD CONSTRAINT no_three CHECK (amount_minor <> 13 OR fee_minor IS NULL)',
  );
  const done = await run('payments', () => 'write');
  expect(done.written).toBe(1);
  expect(done.left).toEqual([
    { key: 'pay_erased', reason: 'a body of it was erased' },
    { key: 'pay_refused', reason: expect.stringContaining('no_three') },
  ]);
  expect(
    await store.rows(
      `SELECT payment_id, email, fee_minor::int AS fee FROM payment_transactions
        WHERE payment_id IN ('pay_erased', 'pay_other') ORDER BY 1`,
    ),
  ).toEqual([
    { payment_id: 'pay_erased', email: null, fee: 1 },
    { payment_id: 'pay_other', email: null, fee: 3 },
  ]);
  await store.rows('ALTER TABLE payment_transactions DROP CONSTRAINT no_three');
});

test('consumers may run: what comes meanwhile is in the row in the end, whoever was first', async () => {
  const keys = Array.from({ length: 300 }, (_, index) => `pay_busy${index}`);
  await all.send(
    ...keys.map((key) =>
      testEvent('payment.authorized', `evA${key}`, key, { status: 'authorized', amount: 1, fee: 4 }),
    ),
  );
  await store.rows("UPDATE payment_transactions SET fee_minor = NULL WHERE payment_id LIKE 'pay_busy%'");
  const consume = async () => {
    for (let from = 0; from < keys.length; from += 50)
      await all.send(
        ...keys
          .slice(from, from + 50)
          .map((key) =>
            testEvent('payment.captured', `evC${key}`, key, { status: 'captured', amount: 1 }, TODAY_S + 9),
          ),
      );
  };
  const [done] = await Promise.all([run('payments', () => 'write'), consume()]);
  expect(done.left.filter(({ key }) => key.startsWith('pay_busy'))).toEqual([]);
  expect(
    await store.rows(
      `SELECT status, fee_minor::int AS fee, count(*)::int FROM payment_transactions WHERE payment_id LIKE 'pay_busy%'
        GROUP BY 1, 2`,
    ),
  ).toEqual([{ status: 'captured', fee: 4, count: 300 }]);
  expect((await run('payments', () => 'leave')).met).toEqual([]);
});
