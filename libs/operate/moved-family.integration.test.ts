import { allAggregates, aggregateOf } from '#families';
import { route } from '#catalogue';
import { openTestStore, testEvent, TODAY_S } from '../../test/kit/test-store.ts';
import type { TestStore } from '../../test/kit/test-store.ts';
import { replayQuarantined } from './quarantine.ts';
import { understoodInQuarantine } from './understood.ts';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore('kept', [aggregateOf('kept')]);
});
afterAll(async () => store.close());

test('records of a family that lie in the topic of kept events at an upgrade are quarantined, said so, and applied by a replay', async () => {
  const partition = await store.partition('rzp.kept.v1');
  const account = (name: 'activated' | 'suspended', at: number, more: Readonly<Record<string, unknown>>) =>
    testEvent(`account.${name}`, `ev_${name}`, 'JNraR8O85H1atC', { updated_at: at, ...more }, at);
  await partition.send(
    account('activated', TODAY_S, { live: true, suspended_at: null }),
    testEvent('settlement.processed', 'ev_kept', 'setl_1', { status: 'processed' }),
    account('suspended', TODAY_S + 5, { live: false, suspended_at: TODAY_S + 5 }),
  );
  expect(
    await store.rows("SELECT reason, count(*)::int FROM webhook_events WHERE verdict = 'quarantined' GROUP BY 1"),
  ).toEqual([{ reason: 'no handler for accounts in this service', count: 2 }]);
  expect(await understoodInQuarantine(store.database)).toMatchObject({ events: 2 });

  const options = { database: store.database, aggregates: allAggregates, policy: { delaysMs: [1_000] } };
  for (const id of ['ev_activated', 'ev_suspended'])
    expect(await replayQuarantined(options, id, { who: 'asha', reason: 'upgrade' }, route)).toMatchObject({
      kind: 'unparked',
      family: 'accounts',
      applied: 1,
    });
  expect(await store.rows('SELECT status, live, suspended FROM account_events')).toEqual([
    { status: 'suspended', live: false, suspended: true },
  ]);
  expect(await store.rows("SELECT name FROM outbox WHERE family = 'accounts' ORDER BY id")).toEqual([
    { name: 'account.activated' },
    { name: 'account.suspended' },
  ]);
  expect(await understoodInQuarantine(store.database)).toMatchObject({ events: 0 });
});
