import { allAggregates } from '#families';
import { openDakia } from '../../test/kit/cli/run-dakia.ts';
import type { Dakia } from '../../test/kit/cli/run-dakia.ts';
import { openTestStore, testEvent, TODAY_S } from '../../test/kit/test-store.ts';
import type { TestStore } from '../../test/kit/test-store.ts';

let store: TestStore;
let dakia: Dakia;
beforeAll(async () => {
  store = await openTestStore('all', allAggregates);
  dakia = openDakia({ DATABASE_URL: store.url, DAKIA_TIME_ZONE: 'Asia/Kolkata' });
});
afterAll(async () => {
  await dakia.close();
  await store.close();
});

test('what nobody knows is listed by column and value, the latest first; what is known is not', async () => {
  expect(await dakia.json('unknown', 'list')).toEqual({ ok: true, values: [] });
  const all = await store.partition('rzp.all.v1');
  await all.send(
    testEvent('refund.processed', 'ev_1', 'rfnd_1', { status: 'reversed' }, TODAY_S),
    testEvent('refund.processed', 'ev_2', 'rfnd_2', { status: 'reversed' }, TODAY_S + 60),
    testEvent('payment.dispute.created', 'ev_3', 'disp_1', { status: 'open', phase: 'good_faith' }, TODAY_S + 120),
    testEvent('payment.dispute.created', 'ev_4', 'disp_2', { status: 'Open', phase: 'Pre-Arbitration' }, TODAY_S),
    testEvent('payment.downtime.started', 'ev_5', 'down_1', { status: 'started', severity: 'HIGH' }, TODAY_S),
    testEvent(
      'account.updated',
      'ev_6',
      'JNraR8O85H1atC',
      { activation_details: { status: 'brand_new' } },
      TODAY_S - 9,
    ),
  );
  const found = (await dakia.json('unknown', 'list')) as {
    readonly values: readonly Record<'family' | 'column' | 'value' | 'newest', string>[];
  };
  expect(found.values.map(({ family, column, value, newest }) => `${family} ${column} ${value} ${newest}`)).toEqual([
    'disputes phase good_faith disp_1',
    'refunds provider_status reversed rfnd_2',
    'accounts activation_status brand_new JNraR8O85H1atC',
  ]);
  const { stdout } = await dakia.run('unknown', 'list', '--limit', '2');
  expect(stdout).toMatch(/refunds +provider_status +reversed +2 +rfnd_2\s+2026-11-24T15:31:00\.000\+05:30/);
  expect(stdout).toContain('the first 2; --limit shows more');
});

test('a wrong limit is refused', async () => {
  expect((await dakia.run('unknown', 'list', '--limit', '0')).code).toBe(2);
});
