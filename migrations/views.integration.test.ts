import { familySpec } from '#catalogue';
import { allAggregates } from '#families';
import { openTestStore, testBody, testEvent, undecodableRecord } from '../test/kit/test-store.ts';
import type { TestStore } from '../test/kit/test-store.ts';

const aggregates = allAggregates;
const NOW_S = Math.floor(Date.now() / 1000);
let store: TestStore;

beforeAll(async () => {
  store = await openTestStore('all', aggregates);
});
afterAll(async () => store.close());

test('the query of the everyday question runs as printed', async () => {
  const partition = await store.partition('rzp.payments.v1');
  await partition.send(
    testEvent('payment.captured', 'h1', 'pay_h1', { status: 'captured' }, NOW_S),
    testEvent('payment.captured', 'h2', 'pay_h2', { status: 'captured' }, NOW_S - 60),
    testEvent('payment.failed', 'h3', 'pay_h3', { status: 'failed' }, NOW_S - 7_200),
  );
  await store.rows(
    "UPDATE webhook_events SET processed = false, verdict = 'parked', reason = 'x' WHERE razorpay_event_id = 'h2'",
  );
  const rows = await store.rows(`SELECT event_type, COUNT(*) AS total,
       COUNT(CASE WHEN processed = true THEN 1 END) AS processed,
       COUNT(CASE WHEN processed = false THEN 1 END) AS pending
FROM webhook_events WHERE created_at >= NOW() - INTERVAL '1 hour' GROUP BY event_type;`);
  expect(rows).toEqual([{ event_type: 'payment.captured', total: 2, processed: 1, pending: 1 }]);
});

test.each(aggregates.map((aggregate) => [aggregate.family, aggregate] as const))(
  '%s: the columns of the table are the fields of the rules',
  async (family, aggregate) => {
    const { table, keyColumn } = familySpec(family);
    const rows = await store.rows<{ column_name: string; data_type: string }>(
      "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1",
      [table],
    );
    const types = {
      text: 'text',
      bigint: 'bigint',
      boolean: 'boolean',
      timestamptz: 'timestamp with time zone',
      jsonb: 'jsonb',
    };
    const fields = Object.entries(aggregate.fields).map(([name, { type }]) => [name, types[type]] as const);
    const bookkeeping = {
      [keyColumn]: 'text',
      status: 'text',
      merge_record: 'jsonb',
      first_seen_at: 'timestamp with time zone',
      updated_at: 'timestamp with time zone',
    };
    expect(Object.fromEntries(rows.map(({ column_name, data_type }) => [column_name, data_type]))).toEqual({
      ...bookkeeping,
      ...Object.fromEntries(fields),
    });
  },
);

test('everything about one payment is in one row', async () => {
  const all = await store.partition('rzp.all.v1');
  await all.send(
    testEvent('payment.captured', 'o1', 'pay_o', {
      status: 'captured',
      amount: 900,
      currency: 'INR',
      order_id: 'order_o',
    }),
    testEvent('order.paid', 'o2', 'order_o', { status: 'paid', amount: 900, amount_paid: 900, receipt: 'r-7' }),
    testEvent('refund.processed', 'o3', 'rfnd_a', { status: 'processed', payment_id: 'pay_o', amount: 100 }),
    testEvent('refund.failed', 'o4', 'rfnd_b', { status: 'failed', payment_id: 'pay_o', amount: 50 }),
    testEvent('payment.dispute.created', 'o5', 'disp_o', {
      status: 'open',
      payment_id: 'pay_o',
      amount: 900,
      phase: 'chargeback',
    }),
    testEvent('payment.dispute.under_review', 'o9', 'disp_p', {
      status: 'under_review',
      payment_id: 'pay_o',
      amount: 900,
      phase: 'fraud',
    }),
    testEvent('payment.dispute.won', 'o10', 'disp_q', {
      status: 'won',
      payment_id: 'pay_o',
      amount: 900,
      phase: 'retrieval',
    }),
    testEvent('payment_link.paid', 'o6', 'plink_o', { status: 'paid', order_id: 'order_o', reference_id: 'ref-7' }),
    testEvent('invoice.paid', 'o7', 'inv_o', { status: 'paid', order_id: 'order_o', invoice_number: 'N-7' }),
    testEvent('payment.captured', 'o8', 'pay_alone', { status: 'captured' }),
  );
  const [row] = await store.rows("SELECT * FROM payment_overview WHERE payment_id = 'pay_o'");
  expect(row).toMatchObject({
    status: 'captured',
    amount_minor: 900,
    order_id: 'order_o',
    order_status: 'paid',
    order_receipt: 'r-7',
    refunded_minor: '100',
    refund_pending_minor: '0',
    refund_failed_minor: '50',
    refund_untold_minor: '0',
    refund_status: 'partial',
    disputes_open: 2,
    payment_link_id: 'plink_o',
    payment_link_reference: 'ref-7',
    invoice_id: 'inv_o',
    invoice_status: 'paid',
    invoice_number: 'N-7',
    refunds: [
      expect.objectContaining({ refund_id: 'rfnd_a', status: 'processed', amount_minor: 100 }),
      expect.objectContaining({ refund_id: 'rfnd_b', status: 'failed' }),
    ],
    disputes: [
      ['disp_o', 'chargeback'],
      ['disp_p', 'fraud'],
      ['disp_q', 'retrieval'],
    ].map(([dispute_id, phase]) => expect.objectContaining({ dispute_id, phase }) as unknown),
  });
  expect(
    await store.rows(
      "SELECT payment_id, refunds, disputes_open, invoice_id FROM payment_overview WHERE payment_id = 'pay_alone'",
    ),
  ).toEqual([{ payment_id: 'pay_alone', refunds: null, disputes_open: 0, invoice_id: null }]);
});

test('a body is shown as JSON where Postgres can hold it, and as nothing where it cannot', async () => {
  const rows = await store.rows(
    'SELECT payload_json($1) AS good, payload_json($2) AS nul, payload_json($3) AS latin, payload_json($4) AS none',
    [Buffer.from('{"a":"ü"}'), Buffer.from('{"a":"\\u0000"}'), Buffer.from([0x22, 0xff, 0x22]), Buffer.from('plain')],
  );
  expect(rows).toEqual([{ good: { a: 'ü' }, nul: null, latin: null, none: null }]);
});

test('a quarantined delivery is among what is pending, with its reason', async () => {
  const partition = await store.partition('rzp.quarantine.v1');
  const known = testBody('payment.captured', 'q1', 'q1', '{"event":"payment.brand_new"}');
  const quarantined = known.ok
    ? {
        ok: true as const,
        value: {
          ...known.value,
          kind: 'quarantine' as const,
          event: 'payment.brand_new',
          reason: 'unknown-event' as const,
        },
      }
    : known;
  await partition.send(quarantined, undecodableRecord());
  expect(
    await store.rows(
      `SELECT razorpay_event_id AS id, event_type, kind, reason FROM pending_events
        WHERE kafka_topic = 'rzp.quarantine.v1' ORDER BY kafka_offset`,
    ),
  ).toEqual([
    { id: 'q1', event_type: 'payment.brand_new', kind: 'quarantined', reason: 'unknown-event' },
    {
      id: 'undecodable-rzp.quarantine.v1-0-1',
      event_type: '(none)',
      kind: 'quarantined',
      reason: 'undecodable: the value is not a framed Avro record',
    },
  ]);
});
