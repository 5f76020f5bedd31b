import { aggregatesOf } from '#families';
import type { Aggregate } from '#families';
import { eventually } from '#kit';
import { accounting, discardParked, listParked, retryParked } from '#operate';
import { adHoc, createDatabase } from '#platform/postgres';
import { dispositions } from '#rules';
import { openTestStore, testEvent, TODAY_S } from '../../test/kit/test-store.ts';
import type { TestPartition, TestStore } from '../../test/kit/test-store.ts';
import { paymentAggregate } from '../domain/families/payment/index.ts';
import { readLedger } from './positions.ts';
import { DEFAULT_RETRY_DELAYS_MS } from './retry-policy.ts';
import { auditRows } from '../operate/row-audit.ts';

/** The machine may be busy with other tests; each wait has its own, shorter bound. */
jest.setTimeout(30_000);

const TOPIC = 'rzp.payments.v1';
const asha = { who: 'asha', reason: 'fixed' };
const BUG = 'Cannot read properties of undefined (reading "bug")';

let isBugThere = true;
/** The payments' rule, with a bug that shows on one method until it is mended. */
const buggy: Aggregate = {
  ...paymentAggregate,
  apply: (current, snapshot) => {
    if (isBugThere && snapshot.subject['method'] === 'buggy') throw new TypeError(BUG);
    return paymentAggregate.apply(current, snapshot);
  },
};
const policy = { delaysMs: DEFAULT_RETRY_DELAYS_MS };
const aggregates = [buggy, ...aggregatesOf('payments').slice(1)];

let store: TestStore;
let partition: TestPartition;
let partitions = 0;

const failed = (id: string, key: string, more: Record<string, unknown> = {}, at = TODAY_S) =>
  testEvent('payment.failed', id, key, { status: 'failed', ...more }, at);
const captured = (id: string, key: string, more: Record<string, unknown> = {}) =>
  testEvent('payment.captured', id, key, { status: 'captured', amount: 100, ...more });
const statusOf = async (key: string) =>
  (await store.rows<{ status: string }>('SELECT status FROM payment_transactions WHERE payment_id = $1', [key]))[0]
    ?.status;
const events = async (like: string) =>
  store.rows(
    'SELECT razorpay_event_id AS id, verdict, processed FROM webhook_events WHERE razorpay_event_id LIKE $1 ORDER BY 1',
    [like],
  );
const counts = async () => {
  const row = (await readLedger(store.database)).find((entry) => entry.partition === partitions);
  return Object.fromEntries(
    dispositions.map((name) => [name, row?.counts[name]] as const).filter(([, count]) => count !== 0),
  );
};
const parked = async (key: string) => (await listParked(store.database)).find((entry) => entry.key === key);

beforeAll(async () => {
  store = await openTestStore('payments', aggregates);
  // Only this test's poison: an amount that the table refuses.
  await store.rows('ALTER TABLE payment_transactions ADD CONSTRAINT no_thirteen CHECK (amount_minor <> 13)');
});
afterAll(async () => store.close());
beforeEach(async () => {
  isBugThere = true;
  partitions += 1;
  partition = await store.partition(TOPIC, partitions);
});
afterEach(async () => {
  const account = await accounting(store.database, async () =>
    (await readLedger(store.database)).map((row) => ({
      ...row,
      startOffset: row.firstOffset,
      endOffset: row.nextOffset,
    })),
  );
  expect(account.partitions.filter(({ problem }) => problem !== null)).toEqual([]);
  expect(account.difference).toBe(0);
  expect(await auditRows(store.database)).toEqual([]);
});

describe('an event that cannot be applied', () => {
  test.each([
    ['refused by a CHECK', captured('p1_bad', 'p1_b', { amount: 13 }), 'no_thirteen'],
    ['met by a bug in the rule', captured('p1_bad', 'p1_b', { method: 'buggy' }), BUG],
  ])('%s parks its key; everything else in the batch is applied', async (_, bad, reason) => {
    const name = (id: string) => `${id}_${partitions}`;
    const rename = (envelope: typeof bad) =>
      envelope.ok
        ? { ...envelope, value: { ...envelope.value, eventId: name('p1_bad') as never, key: name('p1_b') as never } }
        : envelope;
    const others = Array.from({ length: 9 }, (_x, index) => captured(name(`p1_ok${index}`), name(`p1_ok${index}`)));
    await partition.send(...others.slice(0, 4), rename(bad), failed(name('p1_late'), name('p1_b')), ...others.slice(4));
    expect(await counts()).toEqual({ applied: 9, parked: 2 });
    expect(await statusOf(name('p1_b'))).toBeUndefined();
    for (let index = 0; index < 9; index++) expect(await statusOf(name(`p1_ok${index}`))).toBe('captured');
    expect(await parked(name('p1_b'))).toMatchObject({
      family: 'payments',
      failingEventId: name('p1_bad'),
      attempts: 1,
      waiting: 2,
      reason: expect.stringContaining(reason),
    });
    expect(
      await store.rows(
        'SELECT razorpay_event_id AS id, kind, reason FROM pending_events WHERE entity_key = $1 ORDER BY kafka_offset',
        [name('p1_b')],
      ),
    ).toEqual([
      { id: name('p1_bad'), kind: 'parked', reason: expect.stringContaining(reason) },
      { id: name('p1_late'), kind: 'parked', reason: `waits behind ${name('p1_bad')}` },
    ]);
    await partition.send(captured(name('p1_next'), name('p1_b')), captured(name('p1_bad2'), name('p1_other')));
    expect(await counts()).toEqual({ applied: 10, parked: 3 });
    expect(store.logged.some((line) => line.includes(name('p1_bad')) && line.includes('an event is parked'))).toBe(
      true,
    );
  });

  test('a text of any length is no reason to park, in whichever column it is indexed', async () => {
    const long = Array.from({ length: 3_000 }, (_, index) => (index * 7_919).toString(36))
      .join('')
      .slice(0, 9_000);
    await partition.send(captured('p1_long', 'p1_long', { order_id: long }));
    expect(await counts()).toEqual({ applied: 1 });
    const found = await store.rows('SELECT payment_id FROM payment_transactions WHERE order_id = $1', [long]);
    expect(found).toEqual([{ payment_id: 'p1_long' }]);
  });

  test('a record that Postgres refuses in every form but the least is kept as its bytes, and the partition goes on', async () => {
    await store.rows(`CREATE FUNCTION no_such_event() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'not this one'; END $$`);
    await store.rows(
      `CREATE TRIGGER no_such_event BEFORE INSERT ON webhook_events_default FOR EACH ROW WHEN (NEW.razorpay_event_id =
        'p1_never') EXECUTE FUNCTION no_such_event()`,
    );
    expect(
      await partition.send(captured('p1_before', 'p1_x'), captured('p1_never', 'p1_y'), captured('p1_after', 'p1_y')),
    ).toBe('applied');
    await store.rows('DROP TRIGGER no_such_event ON webhook_events_default');
    expect(await counts()).toEqual({ applied: 2, quarantined: 1 });
    expect(
      await store.rows(
        `SELECT reason, octet_length(payload) > 50 AS has_body FROM webhook_events
          WHERE razorpay_event_id LIKE 'unstorable-%'`,
      ),
    ).toEqual([{ reason: 'unstorable: not this one', has_body: true }]);
  });

  test('several in one batch: each parks its own key', async () => {
    const batch = Array.from({ length: 40 }, (_, index) =>
      captured(`p2_${String(index).padStart(2, '0')}`, `p2_${index}`, { amount: index % 13 === 0 ? 13 : 100 }),
    );
    expect(await partition.send(...batch)).toBe('applied');
    expect(await counts()).toEqual({ applied: 36, parked: 4 });
    expect(await store.metrics.metrics()).toContain('dakia_events_total{family="payments",disposition="parked"}');
  });

  test('a NUL in a text and an event id of any length are no reason to park', async () => {
    await partition.send(
      captured('p3_nul\u0000', 'p3', { description: 'a\u0000b' }),
      captured('p3_'.padEnd(5_000, 'x'), 'p3', { description: 'later' }),
    );
    expect(await counts()).toEqual({ applied: 2 });
  });

  test('events before it in the batch keep their effect, and a copy of a parked event is a duplicate', async () => {
    await partition.send(
      failed('p4_a', 'p4'),
      captured('p4_b', 'p4', { method: 'buggy' }),
      captured('p4_b', 'p4', { method: 'buggy' }),
    );
    expect(await counts()).toEqual({ applied: 1, parked: 1, duplicate: 1 });
    expect(await statusOf('p4')).toBe('failed');
  });
});

describe('a parked key', () => {
  test('is applied in order by a retry once the reason is gone, through the same rules', async () => {
    await partition.send(
      failed('r1_a', 'r1', { method: 'buggy' }),
      captured('r1_b', 'r1'),
      testEvent('payment.authorized', 'r1_c', 'r1', { status: 'authorized' }),
    );
    expect(
      await retryParked({ database: store.database, aggregates, policy }, { family: 'payments', key: 'r1' }, asha),
    ).toEqual({ kind: 'parked', applied: 0, dead: 0, reason: BUG, afterMs: expect.any(Number) });
    expect(await parked('r1')).toMatchObject({ attempts: 1, waiting: 3 });
    isBugThere = false;
    expect(
      await retryParked({ database: store.database, aggregates, policy }, { family: 'payments', key: 'r1' }, asha),
    ).toEqual({ kind: 'unparked', applied: 3, dead: 0 });
    expect(await statusOf('r1')).toBe('captured');
    expect(await counts()).toEqual({ applied: 2, stale: 1 });
    expect(await events('r1%')).toEqual([
      { id: 'r1_a', verdict: 'applied', processed: true },
      { id: 'r1_b', verdict: 'applied', processed: true },
      { id: 'r1_c', verdict: 'stale', processed: true },
    ]);
    expect(await parked('r1')).toBeUndefined();
    expect(
      await store.rows(
        `SELECT verdict, from_status, to_status, actor FROM audit_logs WHERE entity_key = 'r1' AND action = 'event'
          ORDER BY id`,
      ),
    ).toEqual([
      { verdict: 'applied', from_status: null, to_status: 'failed', actor: 'operator:asha' },
      { verdict: 'applied', from_status: 'failed', to_status: 'captured', actor: 'operator:asha' },
      { verdict: 'stale', from_status: 'captured', to_status: 'captured', actor: 'operator:asha' },
    ]);
    expect(await store.rows("SELECT name FROM outbox WHERE entity_key = 'r1' ORDER BY id")).toEqual([
      { name: 'payment.failed' },
      { name: 'payment.captured' },
    ]);
    await partition.send(captured('r1_d', 'r1'));
    expect(await counts()).toEqual({ applied: 3, stale: 1 });
  });

  test('stays parked, with what was before the failing event applied, when Postgres refuses one in the middle', async () => {
    await partition.send(
      captured('s_a', 's', { method: 'buggy' }),
      captured('s_b', 's'),
      captured('s_c', 's', { amount: 13 }),
    );
    isBugThere = false;
    expect(
      await retryParked({ database: store.database, aggregates, policy }, { family: 'payments', key: 's' }, asha),
    ).toMatchObject({ kind: 'parked', applied: 2, reason: expect.stringContaining('no_thirteen') });
    expect(await parked('s')).toMatchObject({ failingEventId: 's_c', waiting: 1 });
    expect(await counts()).toEqual({ applied: 2, parked: 1 });
  });

  test('gives up the failing event alone, on record, and goes on with the rest', async () => {
    await partition.send(captured('d_a', 'd', { amount: 13 }), failed('d_b', 'd'));
    expect(
      await discardParked(
        { database: store.database, aggregates, policy },
        { family: 'payments', key: 'd' },
        { who: 'asha', reason: 'test data' },
      ),
    ).toEqual({ kind: 'unparked', applied: 1, dead: 1 });
    expect(await counts()).toEqual({ applied: 1, dead: 1 });
    expect(
      await store.rows(
        'SELECT razorpay_event_id AS id, verdict, processed, reason FROM webhook_events WHERE razorpay_event_id ' +
          "LIKE 'd\\__' ORDER BY 1",
      ),
    ).toEqual([
      { id: 'd_a', verdict: 'dead', processed: false, reason: 'given up by asha: test data' },
      { id: 'd_b', verdict: 'applied', processed: true, reason: null },
    ]);
    expect(
      await store.rows(
        "SELECT actor, razorpay_event_id AS id, verdict, reason FROM audit_logs WHERE action = 'parked.discard'",
      ),
    ).toEqual([{ actor: 'operator:asha', id: 'd_a', verdict: 'dead', reason: 'test data' }]);
  });

  test('that does not exist is said to be none', async () => {
    const ref = { family: 'payments', key: 'nobody' } as const;
    expect(await retryParked({ database: store.database, aggregates, policy }, ref, asha)).toEqual({
      kind: 'not-parked',
    });
    expect(await discardParked({ database: store.database, aggregates, policy }, ref, asha)).toEqual({
      kind: 'not-parked',
    });
  });

  test('with a longer queue than fits one transaction is emptied in order', async () => {
    await partition.send(
      captured('q_000', 'q', { method: 'buggy' }),
      ...Array.from({ length: 450 }, (_, index) =>
        failed(`q_${String(index + 1).padStart(3, '0')}`, 'q', { error_code: `E${index}` }, TODAY_S + index),
      ),
    );
    isBugThere = false;
    expect(
      await retryParked({ database: store.database, aggregates, policy }, { family: 'payments', key: 'q' }, asha),
    ).toEqual({ kind: 'unparked', applied: 451, dead: 0 });
    expect(await counts()).toEqual({ applied: 1, stale: 450 });
    const order = await store.rows<{ id: string }>(
      `SELECT razorpay_event_id AS id FROM audit_logs WHERE entity_key = 'q' AND action = 'event'
        ORDER BY audit_logs.id`,
    );
    expect(order.map(({ id }) => id)).toEqual(order.map(({ id }) => id).toSorted());
  });

  test('is never overtaken while a consumer and two operators race', async () => {
    await partition.send(captured('z_000', 'z', { method: 'buggy' }));
    isBugThere = false;
    const second = createDatabase({ url: store.url, poolSize: 2, applicationName: 'second operator' });
    let sent = 0;
    const consume = async () => {
      for (; sent < 60; sent++) {
        const id = `z_${String(sent + 1).padStart(3, '0')}`;
        await eventually(
          'the consumer gets its batch through',
          async () => (await partition.send(failed(id, 'z', {}, TODAY_S + sent))) === 'applied',
        );
        if (sent % 10 === 5) {
          isBugThere = true;
          await partition.send(captured(`${id}_bad`, 'z', { method: 'buggy' }));
          isBugThere = false;
        }
      }
    };
    const retry = async (database: typeof second) => {
      while (sent < 60) await retryParked({ database, aggregates, policy }, { family: 'payments', key: 'z' }, asha);
    };
    await Promise.all([consume(), retry(store.database), retry(second)]);
    await retryParked({ database: second, aggregates, policy }, { family: 'payments', key: 'z' }, asha);
    await second.close();
    expect(await parked('z')).toBeUndefined();
    const applied = await store.rows<{ kafka_offset: number }>(
      `SELECT e.kafka_offset FROM audit_logs a JOIN webhook_events e USING (razorpay_event_id) WHERE a.entity_key = 'z'
        AND a.action = 'event' ORDER BY a.id`,
    );
    expect(applied).toHaveLength(67);
    expect(applied.map(({ kafka_offset }) => kafka_offset)).toEqual(applied.map((_, index) => index));
  });
});

test('a key that an operator parks while the consumer is about to: the batch is not applied half, comes again, and waits', async () => {
  let sent: Promise<unknown> | undefined;
  await store.database.transaction(async (tx) => {
    await tx.query(
      adHoc(
        `INSERT INTO parked_keys (family, entity_key, consumer_group, reason, failing_event_id)
          VALUES ('payments', 'w', 'payments', 'not tried yet', 'w_a')`,
      ),
    );
    sent = partition
      .send(failed('w_ok', 'w_other'), captured('w_a', 'w', { method: 'buggy' }))
      .catch((error: unknown) => error);
    await eventually(
      'the consumer waits for the operator',
      async () =>
        (
          await store.rows(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
          )
        ).length > 0,
    );
  });
  // The transaction that met the operator was rolled back; the batch has come again by itself, alone.
  expect(await sent).toBe('applied');
  expect(await counts()).toEqual({ applied: 1, parked: 1 });
  expect(await parked('w')).toMatchObject({ failingEventId: 'w_a', waiting: 1 });
});

test('a scrape shows how many keys are parked', async () => {
  await partition.send(captured('g_a', 'g', { amount: 13 }));
  const keys = await store.database.query<{ keys: number }>(
    adHoc("SELECT count(*) AS keys FROM parked_keys WHERE family = 'payments'"),
  );
  expect(await store.metrics.metrics()).toContain(`dakia_parked_keys{family="payments"} ${keys[0]?.keys}`);
});
