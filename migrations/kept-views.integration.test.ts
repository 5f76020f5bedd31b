import { keptAggregate } from '../libs/domain/families/kept/index.ts';
import { accountAggregate } from '../libs/domain/families/account/index.ts';
import { openTestStore, TEST_NOW, testEvent } from '../test/kit/test-store.ts';
import type { TestPartition, TestStore } from '../test/kit/test-store.ts';

const NOW_S = TEST_NOW / 1000;
let store: TestStore;
let kept: TestPartition;

beforeAll(async () => {
  store = await openTestStore('all', [accountAggregate, keptAggregate]);
  kept = await store.partition('rzp.kept.v1');
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

test('an account that was suspended after its activation takes no payments', async () => {
  const accounts = await store.partition('rzp.accounts.v1');
  const overview = async (): Promise<unknown> =>
    (await store.rows('SELECT takes_payments, funds_held, suspended FROM account_overview'))[0];
  await accounts.send(
    testEvent('account.instantly_activated', 'a1', 'JNraR8O85H1atC', { live: true, hold_funds: false }, NOW_S - 100),
  );
  expect(await overview()).toEqual({ takes_payments: true, funds_held: false, suspended: false });
  const suspension = { live: false, hold_funds: true, suspended_at: NOW_S - 50 };
  await kept.send(testEvent('account.suspended', 'a2', 'JNraR8O85H1atC', suspension, NOW_S - 50));
  expect(await overview()).toEqual({ takes_payments: false, funds_held: true, suspended: true });
});
