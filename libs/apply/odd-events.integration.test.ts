import { aggregatesOf } from '#families';
import { openTestStore, testEvent, TODAY_S } from '../../test/kit/test-store.ts';
import type { TestStore } from '../../test/kit/test-store.ts';

let store: TestStore;

beforeAll(async () => {
  store = await openTestStore('payments', [...aggregatesOf('payments'), ...aggregatesOf('refunds')]);
});
afterAll(async () => store.close());

const audits = (key: string) =>
  store.rows('SELECT verdict, to_status, reason FROM audit_logs WHERE entity_key = $1 ORDER BY id', [key]);

test('a processed refund that fails later: the row, the audit, the facts and the counter say so', async () => {
  const partition = await store.partition('rzp.refunds.v1');
  await partition.send(testEvent('refund.processed', 'ev_1', 'rfnd_1', { status: 'processed', amount: 500 }, TODAY_S));
  await partition.send(
    testEvent('refund.failed', 'ev_2', 'rfnd_1', { status: 'failed', amount: '5.00' }, TODAY_S + 60),
  );
  expect(
    await store.rows("SELECT status, provider_status, amount_minor FROM payment_refunds WHERE refund_id = 'rfnd_1'"),
  ).toEqual([{ status: 'failed', provider_status: 'failed', amount_minor: 500 }]);
  expect(await audits('rfnd_1')).toEqual([
    { verdict: 'applied', to_status: 'processed', reason: null },
    {
      verdict: 'applied',
      to_status: 'failed',
      reason:
        'amount_minor cannot be read and counts as unknown; both processed and failed were told: the ' +
        'later counts, failed',
    },
  ]);
  expect(await store.rows("SELECT name FROM outbox WHERE entity_key = 'rfnd_1' ORDER BY id")).toEqual([
    { name: 'refund.processed' },
    { name: 'refund.failed' },
    { name: 'refund.contradicted' },
  ]);
  const metrics = await store.metrics.metrics();
  expect(metrics).toContain('dakia_event_notes_total{family="refunds",kind="contradiction"} 1');
  expect(metrics).toContain('dakia_event_notes_total{family="refunds",kind="unreadable"} 1');
});

test('a status that nobody knows: verbatim in the row, listed, and read back as it was written', async () => {
  const partition = await store.partition('rzp.refunds.v1', 1);
  const [later, earlier] = [
    testEvent('refund.processed', 'ev_3', 'rfnd_2', { status: 'reversed' }, TODAY_S + 60),
    testEvent('refund.created', 'ev_4', 'rfnd_2', { status: 'pending' }, TODAY_S),
  ];
  // Two batches: what the first one wrote is read again before the older event is joined.
  await partition.send(later);
  await partition.send(earlier);
  expect(await store.rows('SELECT family, entity_key, status, provider_status FROM unknown_statuses')).toEqual([
    { family: 'refunds', entity_key: 'rfnd_2', status: 'pending', provider_status: 'reversed' },
  ]);
  expect(await store.rows("SELECT name FROM outbox WHERE entity_key = 'rfnd_2'")).toEqual([]);
});

test('a time a year after its reception stands nowhere; a called-off downtime is not in force', async () => {
  const captures = await store.partition('rzp.payments.v1');
  await captures.send(testEvent('payment.captured', 'ev_5', 'pay_1', { status: 'captured' }, TODAY_S + 365 * 86_400));
  expect(await store.rows("SELECT status, last_event_at FROM payment_transactions WHERE payment_id = 'pay_1'")).toEqual(
    [{ status: 'captured', last_event_at: null }],
  );
  const downtimes = await store.partition('rzp.downtimes.v1');
  const downtime = (status: string, at: number) => ({ status, severity: 'HIGH', begin: TODAY_S - 600, updated_at: at });
  await downtimes.send(testEvent('payment.downtime.started', 'ev_6', 'down_1', downtime('started', TODAY_S), TODAY_S));
  expect(await store.rows('SELECT downtime_id, advice FROM downtimes_in_force')).toEqual([
    { downtime_id: 'down_1', advice: 'hide' },
  ]);
  await downtimes.send(
    testEvent('payment.downtime.updated', 'ev_7', 'down_1', downtime('cancelled', TODAY_S + 60), TODAY_S + 60),
  );
  expect(await store.rows('SELECT downtime_id FROM downtimes_in_force')).toEqual([]);
});
