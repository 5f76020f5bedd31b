import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { toEnvelopes } from '#envelope';
import { allAggregates } from '#families';
import { deliveriesOfCase } from '#kit';
import { publishedBodies } from '#kit/published';
import { instant, parsed } from '#rules';
import type { JsonRecord } from '#rules';
import { openTestStore } from '../test/kit/test-store.ts';
import type { TestStore } from '../test/kit/test-store.ts';

/** The machine may be busy with others. */
jest.setTimeout(120_000);

/** After every time in the cases that is meant to be believed. */
const RECEIVED_AT = instant(1_795_850_000_000);
const CASES = ['r01', 'r02', 'r05', 'r09', 'r11', 'r13', 'r14', 'r15', 'r21', 'r23', 'r25', 'r27'];

let store: TestStore;
let partitions = 0;
beforeAll(async () => {
  store = await openTestStore('all', allAggregates);
});
afterAll(async () => store.close());

/** The same bodies about other entities, so that one database holds many arrivals of them. */
const renamed = (body: JsonRecord, run: string): JsonRecord =>
  JSON.parse(
    JSON.stringify(body).replaceAll(/"((?:pay|order|rfnd|disp|plink|inv|fav|down|setl|sub)_\w{4,})"/g, `"$1${run}"`),
  ) as JsonRecord;

interface Delivery {
  readonly eventId: string;
  readonly body: JsonRecord;
}

const arrive = async (deliveries: readonly Delivery[], run: string): Promise<void> => {
  const partition = await store.partition('rzp.all.v1', partitions++);
  for (const { eventId, body } of deliveries)
    await partition.send(
      ...toEnvelopes({
        rawBody: Buffer.from(JSON.stringify(renamed(body, run))),
        eventIdHeader: `${eventId}${run}`,
        endpoint: 'default',
        receivedAt: RECEIVED_AT,
        traceparent: undefined,
      }).map((envelope) => parsed(envelope)),
    );
};

/** Rows of a table or view in which two columns cannot both be true: none may be found. */
const CONTRADICTIONS: readonly (readonly [place: string, where: string])[] = [
  ['payment_transactions', "status = 'captured' AND captured IS NOT TRUE"],
  ['payment_transactions', "captured AND status NOT IN ('captured', 'refunded')"],
  ['payment_transactions', "status = 'refunded' AND refund_status IS DISTINCT FROM 'full'"],
  ['payment_transactions', "status = 'refunded' AND amount_refunded_minor < amount_minor"],
  ['payment_transactions', 'amount_refunded_minor > 0 AND refund_status IS NULL'],
  ['payment_transactions', "captured_at IS NOT NULL AND status NOT IN ('captured', 'refunded')"],
  ['payment_transactions', "authorized_at IS NOT NULL AND status NOT IN ('authorized', 'captured', 'refunded')"],
  ['payment_transactions', "status = 'failed' AND ever_failed IS NOT TRUE"],
  ['payment_transactions', "error_code IS NOT NULL AND status IN ('authorized', 'captured', 'refunded')"],
  ['payment_orders', "status = 'paid' AND amount_due_minor > 0"],
  ['payment_orders', "notification_status = 'failed' AND notification_delivered_at IS NOT NULL"],
  ['payment_refunds', "processed_at IS NOT NULL AND status = 'pending'"],
  ['payment_refunds', 'amount_minor < 0'],
  ['payment_disputes', 'amount_deducted_minor > amount_deducted_highest_minor'],
  [
    'payment_disputes',
    "closed_at IS NOT NULL AND status NOT IN ('won', 'lost', 'closed') AND phase <> 'pre_arbitration'",
  ],
  ['downtime_events', "bank IS NOT NULL AND instrument->>'bank' IS DISTINCT FROM bank"],
  ['downtime_events', "vpa_handle IS NOT NULL AND instrument->>'vpa_handle' IS DISTINCT FROM vpa_handle"],
  ['payment_link_events', "status = 'paid' AND amount_paid_minor < amount_minor"],
  ['payment_link_events', "status IN ('paid', 'created') AND cancelled_at IS NOT NULL"],
  ['invoice_events', "status = 'paid' AND amount_due_minor > 0"],
  ['account_events', "(status = 'suspended') <> (suspended IS TRUE)"],
  ['account_events', 'suspended AND (live IS NOT FALSE OR payments_enabled IS NOT FALSE)'],
  ['account_events', 'suspended IS NOT TRUE AND suspended_at IS NOT NULL'],
  ['fund_account_events', "status <> 'completed' AND account_status IS NOT NULL"],
  ['provider_events', "snapshot->>'status' IS NOT NULL AND snapshot->>'status' <> provider_status"],
  ['provider_events', "snapshot->>'currency' <> currency"],
  ['payment_overview', "(status = 'refunded') <> (refund_status IS NOT DISTINCT FROM 'full')"],
  [
    'payment_overview',
    "(refund_status IS NOT DISTINCT FROM 'partial') <> (refunded_minor > 0 AND status <> 'refunded')",
  ],
  ['payment_overview', "refund_status = 'full' AND refunded_minor < amount_minor"],
  ['payment_overview', "(status = 'captured') <> coalesce(captured AND status <> 'refunded', false)"],
  ['payment_overview', 'refunds IS NULL AND refund_pending_minor + refund_failed_minor > 0'],
  [
    'payment_overview',
    `refunded_minor <> coalesce((SELECT sum((r->>'amount_minor')::bigint) FROM jsonb_array_elements(refunds) AS r
                                  WHERE r->>'status' = 'processed'), 0) + refund_untold_minor`,
  ],
  [
    'payment_overview',
    `disputes_open <> (SELECT count(*) FROM jsonb_array_elements(coalesce(disputes, '[]')) AS d
                        WHERE d->>'status' IN ('open', 'under_review', 'action_required'))`,
  ],
  ['payment_overview v', 'order_receipt IS NOT NULL AND order_status IS NULL'],
  [
    'late_authorisations l JOIN payment_overview v USING (payment_id)',
    "v.status <> 'authorized' OR v.late_authorized IS NOT TRUE",
  ],
  ['late_authorisations', 'time_left <> auto_refund_at - now()'],
  ['refunds_stuck', "age < interval '7 days'"],
  ['money_to_check', 'cost_minor <= 0'],
  [
    'money_to_check m JOIN payment_overview v ON v.payment_id = m.entity_key',
    "m.kind <> 'over_refunded' AND v.status = 'refunded'",
  ],
  ['account_overview', 'suspended AND takes_payments IS NOT FALSE'],
  [
    'account_overview o JOIN account_events a USING (account_id)',
    'o.suspended IS DISTINCT FROM coalesce(a.suspended, false)',
  ],
  ['disputes_by_deadline', 'time_left <> respond_by - now()'],
  ['downtimes_in_force', "status IN ('resolved', 'cancelled') OR (severity = 'high') <> (advice = 'hide')"],
  [
    'settlements s JOIN provider_events p ON p.entity = s.settlement_id',
    's.amount_minor IS DISTINCT FROM p.amount_minor',
  ],
  ['kept_entities k JOIN provider_events p USING (entity)', 'k.status IS DISTINCT FROM p.provider_status'],
  ['unknown_statuses', 'provider_status = status'],
];

const found = async (): Promise<readonly string[]> => {
  const all = await Promise.all(
    CONTRADICTIONS.map(async ([place, where]) => {
      const rows = await store.rows<{ row: string }>(
        `SELECT to_json(found)::text AS row FROM (SELECT * FROM ${place} WHERE ${where}) AS found LIMIT 1`,
      );
      return rows.map(({ row }) => `${place}: ${where}: ${row.slice(0, 1_500)}`);
    }),
  );
  return all.flat();
};

test.each(CASES)('%s: no two columns of a table or view contradict each other, in any order', async (name) => {
  const deliveries = deliveriesOfCase(name);
  await fc.assert(
    fc.asyncProperty(fc.shuffledSubarray([...deliveries], { minLength: 1 }), async (some) => {
      await arrive(some, `R${partitions}`);
    }),
    { numRuns: 6 },
  );
  expect(await found()).toEqual([]);
});

test('nor of all published bodies, forwards and backwards', async () => {
  const bodies = publishedBodies().map(({ file, body }, number) => ({ eventId: `pub${number}${file.length}`, body }));
  await arrive(bodies, 'F');
  await arrive(bodies.toReversed(), 'B');
  expect(await found()).toEqual([]);
});

/** Bodies with what their senders leave out, get wrong or say twice. */
const payment = (more: JsonRecord): JsonRecord => ({ id: 'pay_Agree0000000', amount: 500, currency: 'INR', ...more });
const odd: readonly JsonRecord[] = [
  { event: 'payment.authorized', payload: { payment: { entity: payment({ status: 'authorized', captured: true }) } } },
  { event: 'payment.captured', payload: { payment: { entity: payment({ captured: '1' }) } } },
  { event: 'payment.captured', payload: { payment: { entity: payment({ status: 'failed', error_code: 'X' }) } } },
  { event: 'payment.failed', payload: { payment: { entity: payment({ status: 'failed', error_code: 'X' }) } } },
  ...[null, 500, 200, '2.00'].flatMap((amount) =>
    (['processed', 'failed', 'pending'] as const).flatMap((status, second): JsonRecord[] => [
      {
        event: status === 'pending' ? 'refund.created' : `refund.${status}`,
        payload: {
          refund: {
            entity: {
              id: `rfnd_Agree${String(amount)}`,
              payment_id: 'pay_Agree0000000',
              amount,
              status,
              currency: 'INR',
            },
          },
          ...(second === 1
            ? {}
            : { payment: { entity: payment({ status: 'refunded', ...(amount === null && { amount }) }) } }),
        },
      },
    ]),
  ),
];

test('nor of any mixture of bodies that leave out, get wrong or say twice what became of one payment', async () => {
  const events = odd.map((body, number) => ({
    eventId: `odd${number}`,
    body: { ...body, account_id: 'acc_1', created_at: 1_795_841_805 + number },
  }));
  await fc.assert(
    fc.asyncProperty(fc.shuffledSubarray(events, { minLength: 1, maxLength: 6 }), async (some) => {
      await arrive(some, `M${partitions}`);
    }),
    { numRuns: 60 },
  );
  expect(await found()).toEqual([]);
});

test('what the former release wrote otherwise is mended by the migration, and what it wrote rightly stays', async () => {
  const insert = async (table: string, key: string, id: string, columns: JsonRecord): Promise<unknown> =>
    store.rows(
      `INSERT INTO ${table} (${[key, 'merge_record', ...Object.keys(columns)].join(', ')})
       VALUES ($1, '{}', ${Object.keys(columns)
         .map((_, at) => `$${at + 2}`)
         .join(', ')})`,
      [id, ...Object.values(columns)],
    );
  const at = new Date(1_795_841_805_000);
  await insert('payment_transactions', 'payment_id', 'pay_was1', {
    status: 'failed',
    captured: true,
    ever_failed: true,
  });
  await insert('payment_transactions', 'payment_id', 'pay_was2', { status: 'captured', captured: null });
  await insert('payment_transactions', 'payment_id', 'pay_was3', {
    ...{ status: 'failed', ever_failed: true, captured_at: at, authorized_at: at },
  });
  await insert('payment_refunds', 'refund_id', 'rfnd_was1', { status: 'failed', processed_at: at });
  await insert('payment_refunds', 'refund_id', 'rfnd_was2', { status: 'failed', processed_at: at });
  await store.rows(
    `INSERT INTO outbox (name, dedupe_key, family, entity_key, payload)
     VALUES ('refund.processed', 'refunds:rfnd_was2:refund.processed:', 'refunds', 'rfnd_was2', '{}')`,
  );
  await insert('payment_disputes', 'dispute_id', 'disp_was', {
    status: 'under_review',
    phase: 'chargeback',
    closed_at: at,
  });
  await insert('account_events', 'account_id', 'acc_was', { status: 'activated', suspended: false, suspended_at: at });
  expect(await found()).not.toEqual([]);
  const migration = readFileSync(join(import.meta.dirname, '0370_money_that_agrees.sql'), 'utf8');
  for (const [statement] of migration.matchAll(/^UPDATE [^;]+;/gmu)) await store.rows(statement);
  expect(await found()).toEqual([]);
  expect(
    await store.rows(
      "SELECT refund_id, processed_at IS NULL AS gone FROM payment_refunds WHERE refund_id LIKE 'rfnd_was%' ORDER BY 1",
    ),
  ).toEqual([
    { refund_id: 'rfnd_was1', gone: true },
    { refund_id: 'rfnd_was2', gone: false },
  ]);
});
