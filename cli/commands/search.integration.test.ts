import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { contactColumns, searchKey } from '#apply';
import { familyNames, familySpec } from '#catalogue';
import { allAggregates, rowSpec } from '#families';
import { erase } from '#operate';
import { adHoc } from '#platform/postgres';
import { openDakia } from '../../test/kit/cli/run-dakia.ts';
import type { Dakia } from '../../test/kit/cli/run-dakia.ts';
import { openTestStore, testEvent, TODAY_S } from '../../test/kit/test-store.ts';
import type { TestStore } from '../../test/kit/test-store.ts';
import { BY_DIGEST, BY_TEXT, READ_MAX } from '../../libs/operate/search.ts';

/** The machine may be busy with others. */
jest.setTimeout(60_000);

const KEY = 'a key of the test with 32 characters';
let store: TestStore;
let folder: string;
let commands: Dakia;
let keyless: Dakia;
interface Match {
  readonly key: string;
  readonly matched: string;
  readonly value: string | null;
}
interface Found {
  readonly ok: boolean;
  readonly matches: readonly Match[];
  readonly isCut: boolean;
  readonly isSampled: boolean;
  readonly unsearched: readonly string[];
}
const search = async (...args: readonly string[]) =>
  (await commands.json('--data-dir', folder, 'search', ...args)) as unknown as Found;
const keysOf = async (...args: readonly string[]): Promise<readonly string[]> =>
  (await search(...args)).matches.map(({ key, matched }) => `${key} ${matched}`);

beforeAll(async () => {
  store = await openTestStore('payments', allAggregates, { searchKey: searchKey(KEY) });
  folder = mkdtempSync(join(tmpdir(), 'dakia-search-'));
  commands = openDakia({ DATABASE_URL: store.url, DAKIA_SEARCH_KEY: KEY });
  keyless = openDakia({ DATABASE_URL: store.url });
  const payments = await store.partition('rzp.payments.v1', 0);
  const orders = await store.partition('rzp.orders.v1', 0);
  const refunds = await store.partition('rzp.refunds.v1', 0);
  const customer = { status: 'captured', email: 'Asha.Rao@example.com', contact: '+919876543210', vpa: 'asha@upi' };
  await payments.send(
    testEvent('payment.captured', 'event_s1', 'pay_s1', {
      ...customer,
      created_at: TODAY_S - 60,
      acquirer_data: { rrn: '987654000001' },
    }),
    testEvent('payment.captured', 'event_s2', 'pay_s2', { ...customer, created_at: TODAY_S }),
    testEvent('payment.failed', 'event_s3', 'pay_s3', { status: 'failed', email: 'other@example.com' }),
  );
  await orders.send(testEvent('order.paid', 'event_o', 'order_s', { status: 'paid', receipt: 'receipt-1001' }));
  await refunds.send(
    testEvent('refund.processed', 'event_r', 'rfnd_s', {
      status: 'processed',
      acquirer_data: { arn: '74332745000001' },
    }),
  );
});
afterAll(async () => {
  await Promise.all([commands.close(), keyless.close()]);
  await store.close();
  rmSync(folder, { recursive: true });
});

test.each([
  ['pay_s1', ['pay_s1 id']],
  ['event_s1', ['pay_s1 event id']],
  ['receipt-1001', ['order_s receipt']],
  ['987654000001', ['pay_s1 rrn']],
  ['74332745000001', ['rfnd_s arn']],
  ['asha.rao@EXAMPLE.com', ['pay_s2 email', 'pay_s1 email']],
  ['98765 43210', ['pay_s2 contact', 'pay_s1 contact']],
  ['ASHA@upi', ['pay_s2 vpa', 'pay_s1 vpa']],
  ['asha.rao', []],
])('%s finds %j, the newest first', async (text, keys) => expect(await keysOf(text)).toEqual(keys));

test('what is personal is shortened unless it is asked for, and nothing that matches is said so', async () => {
  const { code, stdout } = await commands.run('--data-dir', folder, 'search', 'asha.rao@example.com');
  expect([code, stdout]).toEqual([0, expect.stringMatching(/payment +pay_s2 +captured .*email +A\*\*\*@example\.com/)]);
  expect(stdout).not.toMatch(/asha\.rao@example/i);
  expect((await search('asha.rao@example.com', '--personal')).matches[0]?.value).toBe('Asha.Rao@example.com');
  const none = await commands.run('--data-dir', folder, 'search', 'nobody@example.com');
  expect(none).toMatchObject({ code: 0, stdout: 'no entities match this text\n' });
  expect((await commands.run('--data-dir', folder, 'search', ' ')).code).toBe(2);
});

test('--limit cuts each kind, and says so', async () => {
  expect(await search('asha@upi', '--limit', '1')).toMatchObject({
    ok: true,
    isCut: true,
    matches: [{ key: 'pay_s2' }],
  });
  expect((await search('asha@upi', '--limit', '2')).isCut).toBe(false);
});

test('of a reference that very many share a bounded number is read, and that is said', async () => {
  await store.rows(
    `INSERT INTO provider_events (entity, status, kind, reference, merge_record)
     SELECT 'sub_' || n, 'kept', 'subscription', 'plan_shared', '{}' FROM generate_series(1, ${READ_MAX + 500}) AS n`,
  );
  expect(await search('plan_shared', '--limit', '2')).toMatchObject({ isCut: true, isSampled: true });
  expect((await search('receipt-1001')).isSampled).toBe(false);
  const [first] = await store.database.query<{ read: number }>(BY_TEXT, ['plan_shared', 2]);
  expect(first?.read).toBe(READ_MAX);
  await store.rows(
    `INSERT INTO provider_events (entity, status, kind, reference, created_at, merge_record) VALUES
       ('sub_old', 'kept', 'subscription', 'plan_of_two', now() - interval '1 day', '{}'),
       ('sub_new', 'kept', 'subscription', 'plan_of_two', now(), '{}'),
       ('sub_older', 'kept', 'subscription', 'plan_of_two', now() - interval '2 days', '{}')`,
  );
  expect(await keysOf('plan_of_two', '--limit', '1')).toEqual(['sub_new reference']);
  const { stdout } = await commands.run('--data-dir', folder, 'search', 'plan_shared', '--limit', '2');
  expect(stdout).toContain('1000 or more share this text.');
  await store.rows("DELETE FROM provider_events WHERE reference LIKE 'plan%'");
});

const byText = familyNames.flatMap((family) =>
  Object.entries(rowSpec(family).columns)
    .filter(([, { searchedAs }]) => searchedAs === 'text')
    .map(([column]) => [family, column] as const),
);

test('references of every kind are there: of merchants, of banks, of what is kept', () => {
  expect(byText.map(([family, column]) => `${family}.${column}`).toSorted()).toEqual([
    'fund_accounts.reference_id',
    'fund_accounts.utr',
    'invoices.invoice_number',
    'invoices.receipt',
    'kept.reference',
    'orders.receipt',
    'payment_links.reference_id',
    'payments.rrn',
    'payments.upi_transaction_id',
    'refunds.arn',
    'refunds.receipt',
    'refunds.rrn',
    'refunds.utr',
  ]);
});

test.each(byText)('%s are found by %s, and of many the newest', async (family, column) => {
  const { table, keyColumn } = familySpec(family);
  const text = `same ${column} of ${family}`;
  // The newest is the third of five, so that no order but its own brings it among the two that are read.
  await store.rows(
    `INSERT INTO ${table} (${keyColumn}, status, "${column}", created_at, merge_record)
     SELECT 'same_' || days, $1, $2, now() - make_interval(days => days), '{}' FROM unnest(ARRAY[3, 4, 0, 2, 5]) AS days`,
    [rowSpec(family).statuses[0], text],
  );
  expect(await keysOf(text, '--limit', '1')).toEqual([`same_0 ${column}`]);
  expect(await keysOf(text)).toEqual([0, 2, 3, 4, 5].map((days) => `same_${days} ${column}`));
  await store.rows(`DELETE FROM ${table} WHERE ${keyColumn} LIKE 'same_%'`);
});

test('whoever is a customer, a sub-merchant or a beneficiary is found, in every family that has addresses or numbers', async () => {
  const values = { email: 'everywhere@example.com', phone: '+91 90000 11111', vpa: 'everywhere@upi' } as const;
  const expected: string[] = [];
  for (const family of familyNames) {
    const { table, keyColumn } = familySpec(family);
    const columns = contactColumns(family);
    if (columns.length === 0) continue;
    await store.rows(
      `INSERT INTO ${table} (${[keyColumn, 'status', 'merge_record', ...columns.map(([name]) => name)].join(', ')})
       VALUES ($1, $2, '{}', ${columns.map(([, kind]) => `'${values[kind]}'`).join(', ')})`,
      [`everywhere_${family}`, rowSpec(family).statuses[0]],
    );
    expected.push(...columns.map(([name, kind]) => `${kind} everywhere_${family} ${name}`));
  }
  await commands.json('digests', 'apply');
  const found = await Promise.all(
    Object.entries(values).map(async ([kind, value]) => (await keysOf(value)).map((key) => `${kind} ${key}`)),
  );
  expect(found.flat().toSorted()).toEqual(expected.toSorted());
  expect(expected.length).toBeGreaterThan(8);
  for (const family of familyNames)
    if (contactColumns(family).length > 0)
      await store.rows(
        `DELETE FROM ${familySpec(family).table} WHERE ${familySpec(family).keyColumn} LIKE 'everywhere_%'`,
      );
  await store.rows("DELETE FROM search_digests WHERE entity_key LIKE 'everywhere_%'");
});

test('without a key ids and references are found, and what was not searched is said', async () => {
  const asked = async (text: string) => keyless.run('--data-dir', folder, 'search', text);
  expect((await asked('receipt-1001')).stdout).toContain('order_s');
  const { stdout, stderr } = await asked('asha.rao@example.com');
  expect(stdout).toBe('no entities match this text\n');
  expect(stderr).toContain('DAKIA_SEARCH_KEY is not set');
});

test('rows from before the key are found after digests apply; a new key needs --renew; no value stands in the table', async () => {
  await store.rows('DELETE FROM search_digests');
  expect(await keysOf('asha@upi')).toEqual([]);
  const filled = await commands.json('digests', 'apply');
  expect(filled).toMatchObject({ ok: true, deleted: 0, rows: { payment_transactions: 3, payment_link_events: 0 } });
  expect(await keysOf('asha@upi')).toEqual(['pay_s2 vpa', 'pay_s1 vpa']);
  expect(await commands.json('digests', 'apply', '--renew')).toMatchObject({ deleted: 7 });
  expect(await store.rows('SELECT 1 FROM search_digests')).toHaveLength(7);
  expect(JSON.stringify(await store.rows('SELECT s::text FROM search_digests s'))).not.toMatch(/asha|98765/i);
  expect((await keyless.run('--data-dir', folder, 'digests', 'apply')).code).toBe(2);
});

test('every search goes by indexes, whatever the tables have grown to', async () => {
  for (const { text } of [BY_TEXT, BY_DIGEST]) {
    const plan = await store.database.query<{ 'QUERY PLAN': string }>(adHoc(`EXPLAIN (GENERIC_PLAN) ${text}`));
    const lines = plan.map((line) => line['QUERY PLAN']).join('\n');
    expect(lines).toMatch(/Index/);
    expect(lines).not.toMatch(/Seq Scan/);
  }
});

test('who may only read is refused with a sentence that says what to do instead', async () => {
  const login = `search_reader_${process.pid}`;
  await store.rows(`CREATE ROLE ${login} LOGIN PASSWORD 'reader-of-the-test' IN ROLE dakia_reader`);
  const url = new URL(store.url);
  [url.username, url.password] = [login, 'reader-of-the-test'];
  const reader = openDakia({ DATABASE_URL: url.href });
  try {
    const { code, stderr } = await reader.run('--data-dir', folder, 'search', 'receipt-1001');
    expect(code).toBe(1);
    expect(stderr).toMatch(/needs a login that is a member of dakia_operator\. Who may only read asks the views/);
  } finally {
    await reader.close();
    await store.rows(`DROP ROLE ${login}`);
  }
});

test('who is erased is not found any more', async () => {
  const action = { who: 'asha', reason: 'request 18', execute: true };
  const erased = await erase(store.database, { kind: 'contact', value: 'other@example.com' }, action);
  expect(erased.rows).toMatchObject({ search_digests: 1, payment_transactions: 1 });
  expect(await keysOf('other@example.com')).toEqual([]);
  await erase(store.database, { kind: 'entity', id: 'pay_s1' }, action);
  expect(await keysOf('asha@upi')).toEqual(['pay_s2 vpa']);
});
