import { searchKey } from '#apply';
import { aggregatesOf, allAggregates } from '#families';
import { eventually } from '#kit';
import { adHoc, createDatabase } from '#platform/postgres';
import { openTestStore, testEvent } from '../../test/kit/test-store.ts';
import type { TestPartition, TestStore } from '../../test/kit/test-store.ts';
import { erase } from './erase.ts';
import { auditRows } from './row-audit.ts';
import { fillDigests } from './fill-digests.ts';

let store: TestStore;
let partition: TestPartition;
const PERSON = { email: 'asha.rao@example.com', contact: '+919876543210', vpa: 'asha@upi', notes: { of: 'Asha Rao' } };
const paid = (id: string, more: object = PERSON) =>
  testEvent('payment.captured', `ev_${id}`, `pay_${id}`, { status: 'captured', amount: 100, currency: 'INR', ...more });

beforeEach(async () => {
  store = await openTestStore('payments', aggregatesOf('payments'), { role: 'dakia_payments' });
  partition = await store.partition('rzp.payments.v1');
  await partition.send(paid('erase_me'), paid('other', { email: 'someone.else@example.com' }), paid('second'));
});
afterEach(async () => store.close());
// Bodies and reasons go; what the ledger counts, and the digest of it, is as it was.
const expectAddsUp = async (of: TestStore = store): Promise<void> => expect(await auditRows(of.database)).toEqual([]);

/** The whole database as text, bodies too: what is not in here is nowhere. */
const everything = async (of: TestStore = store): Promise<string> => {
  const tables = await of.rows<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
      AND NOT relispartition`,
  );
  const texts: string[] = [];
  for (const { name } of tables) {
    const columns =
      name === 'webhook_events' || name === 'event_conflicts' ? "t.*, convert_from(payload, 'UTF8') AS body" : 't.*';
    texts.push(
      JSON.stringify(await of.rows(`SELECT row_to_json(r)::text AS row FROM (SELECT ${columns} FROM ${name} t) r`)),
    );
  }
  return texts.join('\n');
};
const action = { who: 'asha', reason: 'request 17' };

test('an entity is erased: shown first, then gone from state, events and reasons, and a copy does not bring it back', async () => {
  const before = await everything();
  const planned = await erase(store.database, { kind: 'entity', id: 'pay_erase_me' }, { ...action, execute: false });
  expect(planned).toMatchObject({ rows: { payment_transactions: 1, webhook_events: 1 }, left: 0 });
  expect(planned.kafka?.eventsUntil.getTime()).toBeLessThan(planned.kafka?.forPeopleUntil.getTime() ?? 0);
  expect(await everything()).toBe(before);

  const done = await erase(store.database, { kind: 'entity', id: 'pay_erase_me' }, { ...action, execute: true });
  expect([planned.executed, done.executed]).toEqual([false, true]);
  expect([done.rows, done.shown]).toEqual([planned.rows, planned.shown]);
  expect(
    await store.rows(
      `SELECT status, amount_minor, email, contact, vpa, notes FROM payment_transactions
        WHERE payment_id = 'pay_erase_me'`,
    ),
  ).toEqual([{ status: 'captured', amount_minor: 100, email: null, contact: null, vpa: null, notes: null }]);
  expect(await store.rows("SELECT payload FROM webhook_events WHERE entity_key = 'pay_erase_me'")).toEqual([
    { payload: Buffer.alloc(0) },
  ]);
  await expectAddsUp();
  await partition.send(paid('erase_me'), paid('other', { email: 'someone.else@example.com' }));
  await expectAddsUp();
  expect(await store.rows('SELECT applied, duplicate FROM partition_ledger')).toEqual([{ applied: 3, duplicate: 2 }]);
  expect(await store.rows("SELECT email FROM payment_transactions WHERE payment_id = 'pay_other'")).toEqual([
    { email: 'someone.else@example.com' },
  ]);
  expect(await store.rows("SELECT actor, entity_key, reason FROM audit_logs WHERE action = 'erase'")).toEqual([
    {
      actor: 'operator:asha',
      entity_key: 'pay_erase_me',
      reason: 'request 17: 1 of webhook_events, 1 of payment_transactions',
    },
  ]);
});

test('a person is erased from all their entities, and nothing of them is left anywhere', async () => {
  const done = await erase(store.database, { kind: 'contact', value: PERSON.email }, { ...action, execute: true });
  expect(done.rows).toMatchObject({ payment_transactions: 2, webhook_events: 2 });
  await expectAddsUp();
  expect(await everything()).not.toMatch(/asha.rao|9876543210|asha@upi|Asha Rao/);
  expect(await everything()).toContain('someone.else@example.com');
  expect(
    (await erase(store.database, { kind: 'contact', value: PERSON.email }, { ...action, execute: true })).rows,
  ).toEqual({});
});

test('a person is found in notes and in kept snapshots too, and in a body that writes the address in other letters', async () => {
  const address = 'vikram.shah@example.com';
  const all = await openTestStore('all', allAggregates);
  const { send } = await all.partition('rzp.all.v1');
  await send(
    testEvent('refund.created', 'ev_n', 'rfnd_n', { payment_id: 'pay_n', amount: 5, notes: { to: [address] } }),
    testEvent('payout.processed', 'ev_k', 'pout_k', { entity: 'payout', status: 'processed', notes: { to: address } }),
    testEvent('payment.captured', 'ev_c', 'pay_c', { status: 'captured', amount: 5, email: 'Vikram.Shah@example.com' }),
    testEvent('payment.captured', 'ev_o', 'pay_o', { status: 'captured', amount: 5, email: 'other@example.com' }),
  );
  try {
    const person = { kind: 'contact', value: address } as const;
    const planned = await erase(all.database, person, { ...action, execute: false });
    const done = await erase(all.database, person, { ...action, execute: true, shown: planned.shown });
    expect(done.rows).toEqual({ payment_refunds: 1, provider_events: 1, payment_transactions: 1, webhook_events: 3 });
    await expectAddsUp(all);
    expect(await everything(all)).not.toMatch(/vikram/i);
    expect(await everything(all)).toContain('other@example.com');
  } finally {
    await all.close();
  }
});

test('what waits for a decision keeps its body, and that is said', async () => {
  await store.rows('ALTER TABLE payment_transactions ADD CONSTRAINT no_thirteen CHECK (amount_minor <> 13)');
  await partition.send(paid('waits', { ...PERSON, amount: 13 }));
  const done = await erase(store.database, { kind: 'entity', id: 'pay_waits' }, { ...action, execute: true });
  expect(done).toMatchObject({ rows: {}, left: 1 });
  await expectAddsUp();
  expect(
    await store.rows("SELECT octet_length(payload) > 0 AS kept FROM webhook_events WHERE entity_key = 'pay_waits'"),
  ).toEqual([{ kept: true }]);
});

describe('an erasure acts on what was shown', () => {
  const MEANT = { kind: 'entity', id: 'pay_erase_me' } as const;
  const look = async () => erase(store.database, MEANT, { ...action, execute: false });
  const act = async (shown: Awaited<ReturnType<typeof look>>['shown']) =>
    erase(store.database, MEANT, { ...action, execute: true, shown });
  const later = (id: string, key: string) =>
    testEvent('payment.authorized', id, key, { ...PERSON, status: 'authorized', amount: 100, currency: 'INR' });
  const erasures = () => store.rows("SELECT 1 FROM audit_logs WHERE action = 'erase'");

  test('nothing is erased when rows have come that nobody has looked at', async () => {
    const { shown } = await look();
    await partition.send(later('ev_later', MEANT.id));
    const before = await everything();
    const refused = await act(shown);
    expect(refused).toMatchObject({ executed: false, rows: { payment_transactions: 1, webhook_events: 2 } });
    expect(refused.shown['payment_transactions']).toBe(shown['payment_transactions']);
    expect(refused.shown['webhook_events']).not.toBe(shown['webhook_events']);
    expect(await everything()).toBe(before);
  });

  test('as many rows are not the same rows', async () => {
    const { shown } = await look();
    await partition.send(later('ev_later', MEANT.id));
    await store.rows("DELETE FROM webhook_events WHERE razorpay_event_id = 'ev_erase_me'");
    expect((await look()).rows).toMatchObject({ webhook_events: 1 });
    expect(await act(shown)).toMatchObject({ executed: false });
  });

  test.each(Array.from({ length: 8 }, (_, run) => run))('two operators at once, and a service (%i)', async () => {
    const { shown } = await look();
    const [one, two] = await Promise.all([act(shown), act(shown)]);
    expect([one.rows, two.rows].filter((rows) => Object.keys(rows).length === 0)).toHaveLength(1);
    expect([one.executed, two.executed]).toEqual([true, true]);

    await store.rows("DELETE FROM audit_logs WHERE action = 'erase'");
    await partition.send(paid('erase_me_too'));
    const meant = { kind: 'entity', id: 'pay_erase_me_too' } as const;
    const next = await erase(store.database, meant, { ...action, execute: false });
    const [erased] = await Promise.all([
      erase(store.database, meant, { ...action, execute: true, shown: next.shown }),
      partition.send(later('ev_meanwhile', meant.id)),
    ]);
    const bodies = await store.rows<{ id: string; gone: boolean }>(
      `SELECT razorpay_event_id AS id, payload = '' AS gone FROM webhook_events WHERE entity_key = '${meant.id}'
        ORDER BY 1`,
    );
    expect(bodies).toEqual([
      { id: 'ev_erase_me_too', gone: erased.executed },
      { id: 'ev_meanwhile', gone: false },
    ]);
    expect(await erasures()).toHaveLength(erased.executed ? 1 : 0);
  });
});

describe('what comes while an erasure looks for bodies', () => {
  const KEY = searchKey('a key of the test');
  const MEANT = { kind: 'entity', id: 'pay_held' } as const;
  let found: TestStore;
  let payments: TestPartition;
  beforeEach(async () => {
    found = await openTestStore('payments', aggregatesOf('payments'), { role: 'dakia_payments', searchKey: KEY });
    payments = await found.partition('rzp.payments.v1');
    await payments.send(paid('held', { email: PERSON.email }));
  });
  afterEach(async () => found.close());

  const isAnybodyWaiting = async () =>
    (
      await found.rows(
        `SELECT 1 FROM pg_locks l JOIN pg_stat_activity a USING (pid)
          WHERE NOT l.granted AND a.datname = current_database()`,
      )
    ).length > 0;
  /** Holds rows for as long as `meanwhile` takes, which begins when somebody waits for them. */
  const holding = async <Result>(
    sql: string,
    work: () => Promise<Result>,
    meanwhile: (query: (sql: string) => Promise<unknown>) => Promise<unknown>,
  ): Promise<Result> => {
    const holder = createDatabase({ url: found.url, poolSize: 1, applicationName: 'dakia-test' });
    try {
      let working: Promise<Result> | undefined;
      await holder.transaction(async (tx) => {
        await tx.query(adHoc(sql));
        working = work();
        await eventually('somebody waits', isAnybodyWaiting);
        await meanwhile(async (change) => tx.query(adHoc(change)));
      });
      return await working!;
    } finally {
      await holder.close();
    }
  };
  const later = () =>
    testEvent('payment.authorized', 'ev_later', MEANT.id, { status: 'authorized', contact: PERSON.contact });
  const BODY = "SELECT 1 FROM webhook_events WHERE razorpay_event_id = 'ev_held' FOR UPDATE";

  test('is erased as well where nobody has looked, so that nothing of the person is left in any table', async () => {
    const done = await holding(
      BODY,
      async () => erase(found.database, MEANT, { ...action, execute: true }),
      async () => payments.send(later()),
    );
    expect(done).toMatchObject({ executed: true, rows: { webhook_events: 2, payment_transactions: 1 } });
    const left = await everything(found);
    expect([left.includes(PERSON.email), left.includes(PERSON.contact)]).toEqual([false, false]);
    expect(await found.rows('SELECT 1 FROM search_digests')).toEqual([]);
  });

  test('stops it where somebody has, and then all is as the service has left it', async () => {
    const { shown } = await erase(found.database, MEANT, { ...action, execute: false });
    const refused = await holding(
      BODY,
      async () => erase(found.database, MEANT, { ...action, execute: true, shown }),
      async () => payments.send(later()),
    );
    expect(refused.executed).toBe(false);
    expect(await found.rows('SELECT email, contact FROM payment_transactions')).toEqual([
      { email: PERSON.email, contact: PERSON.contact },
    ]);
    expect(await found.rows("SELECT 1 FROM webhook_events WHERE payload = ''")).toEqual([]);
  });

  test('digests are not made anew of what is being erased', async () => {
    await found.rows('DELETE FROM search_digests');
    await holding(
      `UPDATE payment_transactions SET email = NULL WHERE payment_id = '${MEANT.id}'`,
      async () => fillDigests(found.database, KEY, { renew: false }),
      async () => undefined,
    );
    expect(await found.rows('SELECT 1 FROM search_digests')).toEqual([]);
  });
});
