import { instant } from '#rules';
import { buildEvent } from '#simulator';
import { startSystem, testsOf } from '../kit/system.ts';
import type { System } from '../kit/system.ts';

let system: System;
const it = testsOf(() => system);
beforeAll(async () => void (system = await startSystem()), 30_000);
afterAll(() => system.close(), 30_000);

/** The query of the people who watch the inbox, as it was printed for them. */
const PRINTED = `SELECT event_type, COUNT(*) AS total,
       COUNT(CASE WHEN processed = true THEN 1 END) AS processed,
       COUNT(CASE WHEN processed = false THEN 1 END) AS pending
FROM webhook_events WHERE created_at >= NOW() - INTERVAL '1 hour' GROUP BY event_type;`;

it('one signed payment.captured becomes one row, one event, one audit row, and adds up', async () => {
  const event = buildEvent('payment.captured', {
    at: instant(Date.now()),
    subject: { id: 'pay_ThinPath000001', amount: 12_345, currency: 'INR' },
  });
  expect(await system.deliver(event)).toBe(200);
  const account = await system.drained();

  expect(await system.rows('SELECT payment_id, status, amount_minor, currency FROM payment_transactions')).toEqual([
    { payment_id: 'pay_ThinPath000001', status: 'captured', amount_minor: '12345', currency: 'INR' },
  ]);
  expect(
    await system.rows('SELECT razorpay_event_id, event_type, processed, verdict, payload FROM webhook_events'),
  ).toEqual([
    {
      razorpay_event_id: event.eventId,
      event_type: 'payment.captured',
      processed: true,
      verdict: 'applied',
      payload: event.body,
    },
  ]);
  expect(
    await system.rows(
      'SELECT actor, action, entity_key, razorpay_event_id, verdict, from_status, to_status FROM audit_logs',
    ),
  ).toEqual([
    {
      actor: 'consumer:payments',
      action: 'event',
      entity_key: 'pay_ThinPath000001',
      razorpay_event_id: event.eventId,
      verdict: 'applied',
      from_status: null,
      to_status: 'captured',
    },
  ]);
  expect(account).toMatchObject({
    ok: true,
    difference: 0,
    totals: { accepted: 1, applied: 1, duplicate: 0, parked: 0, lag: 0 },
  });
  expect(await system.rows(PRINTED)).toEqual([
    { event_type: 'payment.captured', total: '1', processed: '1', pending: '0' },
  ]);
});
