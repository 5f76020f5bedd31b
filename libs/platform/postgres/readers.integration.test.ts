import pg from 'pg';
import { aggregatesOf } from '#families';
import { openTestStore, testEvent } from '../../../test/kit/test-store.ts';
import type { TestStore } from '../../../test/kit/test-store.ts';
import { createDatabase } from './database.ts';
import type { Database } from './database.ts';
import { describeSchema, undescribed } from './describe-schema.ts';
import { adHoc } from './statement.ts';

let store: TestStore;
let reader: Database;
let personal: Database;
beforeAll(async () => {
  store = await openTestStore('payments', aggregatesOf('payments'), { role: 'dakia_payments' });
  const partition = await store.partition('rzp.payments.v1', 0);
  await partition.send(
    testEvent('payment.failed', 'ev_r', 'pay_r', {
      status: 'failed',
      email: 'asha.rao@example.com',
      contact: '+919876543210',
      vpa: 'asha@upi',
      amount: 100,
      currency: 'INR',
      notes: { name: 'Asha Rao' },
      error_description: 'Asha has no money',
      error_code: 'BAD_REQUEST_ERROR',
    }),
  );
  const open = (role: string) => createDatabase({ url: store.url, poolSize: 1, applicationName: 'dakia-test', role });
  [reader, personal] = [open('dakia_reader'), open('dakia_reader_personal')];
});
afterAll(async () => {
  await Promise.all([reader.close(), personal.close()]);
  await store.close();
});

test('a reader sees payments with what is personal shortened, and by no other way', async () => {
  expect(
    await reader.query(
      adHoc(
        `SELECT payment_id, status, amount_minor, email, contact, vpa, notes, error_code, error_description
          FROM masked.payment_transactions`,
      ),
    ),
  ).toEqual([
    {
      payment_id: 'pay_r',
      status: 'failed',
      amount_minor: 100,
      email: 'a***@example.com',
      contact: '+91***10',
      vpa: 'a***@upi',
      notes: null,
      error_code: 'BAD_REQUEST_ERROR',
      error_description: 'A***',
    },
  ]);
  expect(await reader.query(adHoc('SELECT email, contact FROM masked.payment_overview'))).toEqual([
    { email: 'a***@example.com', contact: '+91***10' },
  ]);
  const all = await store.rows<{ name: string }>(
    "SELECT relname AS name FROM pg_class WHERE relnamespace = 'masked'::regnamespace AND relkind = 'v' ORDER BY 1",
  );
  expect(all.length).toBeGreaterThan(12);
  for (const { name } of all)
    expect(JSON.stringify(await reader.query(adHoc(`SELECT * FROM masked.${name}`)))).not.toMatch(
      /asha[. ]?rao|9876543210|asha@|no money/i,
    );
  for (const table of ['payment_transactions', 'webhook_events', 'event_conflicts', 'payment_overview', 'audit_logs'])
    await expect(reader.query(adHoc(`SELECT * FROM public.${table}`))).rejects.toThrow('permission denied');
});

test('who may see what is personal sees it, and neither of them changes anything', async () => {
  expect(await personal.query(adHoc('SELECT email FROM payment_transactions'))).toEqual([
    { email: 'asha.rao@example.com' },
  ]);
  for (const one of [reader, personal])
    for (const change of [
      'DELETE FROM payment_transactions',
      "UPDATE payment_transactions SET email = ''",
      'CREATE TABLE public.mine (n int)',
    ])
      await expect(one.query(adHoc(change))).rejects.toThrow('permission denied');
});

test('a table of a later release, which brings no view, is seen by who may see what is personal alone', async () => {
  const client = new pg.Client({ connectionString: store.url });
  await client.connect();
  try {
    await client.query('CREATE TABLE later (n int)');
    await describeSchema(client);
    expect(await personal.query(adHoc('SELECT * FROM later'))).toEqual([]);
    await expect(reader.query(adHoc('SELECT * FROM public.later'))).rejects.toThrow('permission denied');
    await client.query('DROP TABLE later');
  } finally {
    await client.end();
  }
});

test('every table and every column says what it is', async () => {
  const client = new pg.Client({ connectionString: store.url });
  await client.connect();
  try {
    // A name here has no words yet: libs/platform/postgres/table-words.ts, or the family's fields.
    expect(await undescribed(client)).toEqual([]);
  } finally {
    await client.end();
  }
});
