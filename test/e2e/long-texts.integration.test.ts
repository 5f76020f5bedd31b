import { randomBytes } from 'node:crypto';
import { deliveriesOfCase } from '#kit';
import { buildEvent } from '#simulator';
import { thisSecond } from '../kit/system-fixture.ts';
import { startSystem, testsOf } from '../kit/system.ts';
import type { System } from '../kit/system.ts';

let system: System;
const it = testsOf(() => system);
beforeAll(async () => void (system = await startSystem()), 30_000);
afterAll(() => system.close(), 30_000);

/** What no index row takes: longer than 2,700 bytes, and nothing in it to compress. */
const LONG = randomBytes(4_500).toString('base64url');

it('texts that no index takes, in fields that have one, hold up nothing and park nothing', async () => {
  const built = [
    buildEvent('payment_link.paid', {
      seed: 'long-1',
      at: thisSecond(),
      subject: { id: 'plink_LongText000001', reference_id: LONG },
    }),
    buildEvent('order.paid', {
      seed: 'long-2',
      at: thisSecond(),
      subject: { id: 'order_LongText000001', receipt: LONG },
    }),
  ];
  for (const event of built) expect(await system.deliver(event)).toBe(200);
  // The case itself lies beside the repository where it is developed.
  const given = deliveriesOfCase('r05');
  for (const { eventId, body } of given)
    expect(await system.post({ body: JSON.stringify(body), eventId })).toMatchObject({ status: 200 });

  expect(await system.drained()).toMatchObject({
    ok: true,
    difference: 0,
    totals: { applied: built.length + given.length, parked: 0, quarantined: 0, dead: 0 },
  });
  expect(
    await system.rows(
      `SELECT payment_link_id, status FROM payment_link_events WHERE payment_link_id = 'plink_LongText000001'`,
    ),
  ).toEqual([{ payment_link_id: 'plink_LongText000001', status: 'paid' }]);
  expect(await system.rows(`SELECT status FROM payment_orders WHERE order_id = 'order_LongText000001'`)).toEqual([
    { status: 'paid' },
  ]);
});
