import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { keptAggregate } from '../libs/domain/families/kept/index.ts';
import { accountAggregate } from '../libs/domain/families/account/index.ts';
import { openTestStore, TEST_NOW, testEvent } from '../test/kit/test-store.ts';
import type { TestPartition, TestStore } from '../test/kit/test-store.ts';

const NOW_S = TEST_NOW / 1000;
let store: TestStore;
let kept: TestPartition;
let accounts: TestPartition;

beforeAll(async () => {
  store = await openTestStore('all', [accountAggregate, keptAggregate]);
  kept = await store.partition('rzp.kept.v1');
  accounts = await store.partition('rzp.accounts.v1');
});
afterAll(async () => store.close());

test('a kept event is processed, has its newest snapshot in a row, and is told under its own name', async () => {
  await kept.send(
    testEvent('payout.processed', 'k2', 'pout_1', { status: 'processed', amount: 500, utr: '123' }, NOW_S),
    testEvent('payout.queued', 'k1', 'pout_1', { status: 'queued', amount: 500, utr: null }, NOW_S - 60),
  );
  expect(
    await store.rows("SELECT event_type, verdict, processed FROM webhook_events WHERE family = 'kept' ORDER BY 1"),
  ).toEqual([
    { event_type: 'payout.processed', verdict: 'kept', processed: true },
    { event_type: 'payout.queued', verdict: 'kept', processed: true },
  ]);
  expect(await store.rows('SELECT payout_id, status, event, amount_minor, utr FROM payouts')).toMatchObject([
    { payout_id: 'pout_1', status: 'processed', event: 'payout.processed', utr: '123' },
  ]);
  expect(await store.rows("SELECT dedupe_key FROM outbox WHERE family = 'kept' ORDER BY id")).toEqual([
    { dedupe_key: 'kept:pout_1:event.kept:payout.processed:k2' },
    { dedupe_key: 'kept:pout_1:event.kept:payout.queued:k1' },
  ]);
  expect(await store.rows('SELECT event FROM kept_event_log ORDER BY event_at')).toEqual([
    { event: 'payout.queued' },
    { event: 'payout.processed' },
  ]);
});

const overview = async (): Promise<unknown> =>
  (await store.rows('SELECT takes_payments, funds_held, suspended FROM account_overview'))[0];
const ROW = 'SELECT status, live, payments_enabled, suspended FROM account_events';
const suspension = { live: true, hold_funds: true, suspended_at: NOW_S - 50, updated_at: NOW_S - 50 };

test('an account that was suspended after its activation takes no payments', async () => {
  await accounts.send(
    testEvent(
      'account.instantly_activated',
      'a1',
      'JNraR8O85H1atC',
      { live: true, hold_funds: false, suspended_at: null, updated_at: NOW_S - 100 },
      NOW_S - 100,
    ),
  );
  expect(await overview()).toEqual({ takes_payments: true, funds_held: false, suspended: false });
  await accounts.send(testEvent('account.suspended', 'a2', 'JNraR8O85H1atC', suspension, NOW_S - 50));
  expect(await overview()).toEqual({ takes_payments: false, funds_held: true, suspended: true });
  expect(await store.rows(ROW)).toEqual([
    { status: 'suspended', live: false, payments_enabled: false, suspended: true },
  ]);
});

/** What the migration does with rows of before. */
const MIGRATION = readFileSync(join(import.meta.dirname, '0300_accounts_in_full.sql'), 'utf8');
const mended = /^WITH said AS[^;]+;/mu.exec(MIGRATION)?.[0] ?? '';

test('a suspension that an earlier release kept is seen at once after the upgrade, and only something newer lifts it', async () => {
  await store.rows('DELETE FROM account_events');
  const active = { live: true, hold_funds: false, suspended_at: null, updated_at: NOW_S - 100 };
  await accounts.send(testEvent('account.instantly_activated', 'b1', 'JNraR8O85H1atC', active, NOW_S - 100));
  // As the former release left it.
  await store.rows(
    `UPDATE account_events SET suspended = NULL, payments_enabled = NULL, merge_record =
       jsonb_build_object('s', jsonb_build_array(jsonb_build_array(0, ${(NOW_S - 100) * 1000}, ${(NOW_S - 100) * 1000}, 'b1')),
                          'm', jsonb_build_object('', '[0, "instantly_activated"]'::jsonb), 'f', '{}'::jsonb)`,
  );
  await store.rows(
    `INSERT INTO provider_events (entity, status, kind, event, changed_at, last_event_at, last_event_id, snapshot, merge_record)
     VALUES ('JNraR8O85H1atC', 'kept', 'account', 'account.suspended', to_timestamp(${NOW_S - 50}), to_timestamp(${NOW_S - 50}),
             'b2', '${JSON.stringify(suspension)}', '{}')`,
  );
  expect(await overview()).toMatchObject({ takes_payments: false, suspended: true });
  await store.rows(mended);
  expect(await store.rows(ROW)).toEqual([
    { status: 'suspended', live: false, payments_enabled: false, suspended: true },
  ]);
  const hold = { ...active, hold_funds: true };
  await accounts.send(
    testEvent('account.funds_hold', 'b3', 'JNraR8O85H1atC', { ...hold, updated_at: NOW_S - 70 }, NOW_S - 70),
  );
  expect(await store.rows(ROW)).toMatchObject([{ status: 'suspended', live: false, suspended: true }]);
  await accounts.send(
    testEvent('account.activated', 'b4', 'JNraR8O85H1atC', { ...active, updated_at: NOW_S - 10 }, NOW_S - 10),
  );
  expect(await store.rows(ROW)).toMatchObject([{ status: 'activated', live: true, suspended: false }]);
  expect(await overview()).toMatchObject({ takes_payments: true, suspended: false });
});

test('what was retired of kept events is reckoned with them', async () => {
  const retired = async () => (await store.rows("SELECT retired FROM partition_ledger WHERE topic = 'rzp.kept.v1'"))[0];
  // As 0220 had left it: two events kept and there, none retired.
  await store.rows("UPDATE partition_ledger SET retired = -kept WHERE topic = 'rzp.kept.v1'");
  const mend = readFileSync(join(import.meta.dirname, '0302_retired_with_kept.sql'), 'utf8');
  await store.rows(mend);
  expect(await retired()).toEqual({ retired: 0 });
  // One day more, and again: nothing below 0 is left, so nothing changes.
  await store.rows("UPDATE partition_ledger SET retired = 1 WHERE topic = 'rzp.kept.v1'");
  await store.rows(mend);
  expect(await retired()).toEqual({ retired: 1 });
});
