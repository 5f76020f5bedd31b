import { eventually, fillPayments, insertPaymentFacts, paymentKey } from '#kit';
import { createOutboxSignal } from '#platform/postgres';
import { startPostgresProxy } from '../../../test/faults/postgres-proxy.ts';
import { notificationAccount } from '../../../test/kit/notification-account.ts';
import {
  brief,
  DISPUTES,
  idsOf,
  inHours,
  linesWith,
  NEVER_MS,
  openRelayFixture,
  SOON_MS,
  rulesOf,
} from '../../../test/kit/notify/relay-fixture.ts';
import type { RelayFixture, StartedRelay } from '../../../test/kit/notify/relay-fixture.ts';

jest.setTimeout(60_000);

/** Nobody listens there. */
const NO_REDIS = 'redis://127.0.0.1:1';
const HOUR_S = 3_600;

const CAPTURED = rulesOf(
  'destinations: {shop: {type: log}, team: {type: log}}\nrules:\n' +
    '  - {name: captured, when: payment.captured, to: [shop, team]}\n',
);

let fixture: RelayFixture;
beforeEach(async () => {
  fixture = await openRelayFixture();
});
afterEach(async () => fixture.close());

const capture = async (from: number, count: number): Promise<void> => {
  await fillPayments(fixture.store.database, from, count);
  await insertPaymentFacts(
    fixture.store.database,
    Array.from({ length: count }, (_, index) => ({ kind: 'payment.captured' as const, payment: from + index })),
  );
};
const counted = async ({ registry }: StartedRelay, name: string): Promise<number> => {
  const metric = await registry.getSingleMetric(name)?.get();
  return (metric?.values ?? []).reduce((sum, { value }) => sum + value, 0);
};
test('a change of state is told once, however often its event comes and however often the outbox is relayed', async () => {
  const relay = await fixture.relay(DISPUTES, { pollEveryMs: SOON_MS });
  await fixture.dispute('payment.dispute.created', 'ev_1', 'disp_1', { status: 'open', phase: 'chargeback' });
  await fixture.dispute('payment.dispute.created', 'ev_1', 'disp_1', { status: 'open', phase: 'chargeback' });
  await fixture.dispute('payment.dispute.created', 'ev_2', 'disp_1', { status: 'open', phase: 'chargeback' });
  await fixture.relayed();
  const rows = await fixture.rows();
  expect(rows.map(brief)).toEqual(['dispute.opened pending']);

  await fixture.store.rows(`UPDATE notifications SET status = 'delivered', delivered_at = now()`);
  await fixture.store.rows('UPDATE outbox SET relayed_at = NULL');
  await fixture.relayed();
  expect(await fixture.rows()).toEqual([{ ...rows[0], status: 'delivered' }]);
  expect(
    await Promise.all(
      ['dakia_notifications_planned_total', 'dakia_facts_relayed_total', 'dakia_facts_unusable_total'].map((name) =>
        counted(relay, name),
      ),
    ),
  ).toEqual([1, 2, 0]);
});

test('relays side by side share 2 000 facts: each is taken once, and each of its notifications has a row and a job', async () => {
  await capture(0, 2_000);
  const relays = await Promise.all([fixture.relay(CAPTURED), fixture.relay(CAPTURED), fixture.relay(CAPTURED)]);
  await fixture.relayed(30_000);
  const rows = await fixture.rows();
  for (const destination of ['shop', 'team']) {
    expect(
      new Set(rows.filter((row) => row.destination === destination).map(({ entity_key }) => entity_key)).size,
    ).toBe(2_000);
    await eventually(`all jobs of ${destination}`, async () => {
      expect(await fixture.jobs(destination)).toEqual(idsOf(rows, destination));
      return true;
    });
  }
  const [facts, planned] = await Promise.all(
    ['dakia_facts_relayed_total', 'dakia_notifications_planned_total'].map(async (name) =>
      (await Promise.all(relays.map((relay) => counted(relay, name)))).reduce((a, b) => a + b),
    ),
  );
  expect([rows.length, facts, planned]).toEqual([4_000, 2_000, 4_000]);
  expect(await notificationAccount(fixture.store.database)).toEqual({
    ok: true,
    facts: { total: 2_000, relayed: 2_000, unrelayed: 0 },
    notifications: { total: 4_000, pending: 4_000, retrying: 0, delivered: 0, failed: 0, cancelled: 0 },
    orphans: 0,
  });
});

test('a dispute that comes behind 12 000 facts is planned with the next of them, also while they are being planned', async () => {
  const both = rulesOf(
    'destinations: {shop: {type: log}}\nrules:\n  - {name: all, when: [payment.captured, dispute.opened], to: shop}\n',
  );
  await capture(0, 12_000);
  await fixture.dispute('payment.dispute.created', 'evt_before', 'disp_before');
  await fixture.relay(both);
  const some = async (): Promise<boolean> => {
    const [row] = await fixture.store.rows<{ readonly relayed: number }>(
      'SELECT count(relayed_at) AS relayed FROM outbox',
    );
    return (row?.relayed ?? 0) > 0;
  };
  await eventually('some are planned', some, 40_000);
  await fixture.dispute('payment.dispute.created', 'evt_within', 'disp_within');
  await fixture.relayed(40_000);
  const behind = await fixture.store.rows<{ readonly key: string; readonly before: number; readonly after: number }>(
    `SELECT d.entity_key AS key, count(*) FILTER (WHERE p.relayed_at > d.created_at
      AND p.relayed_at < d.relayed_at) AS before,
            count(*) FILTER (WHERE p.relayed_at > d.relayed_at) AS after
       FROM outbox d, outbox p WHERE d.name = 'dispute.opened' AND p.family = 'payments' GROUP BY d.id ORDER BY d.id`,
  );
  expect(behind.map(({ key }) => key)).toEqual(['disp_before', 'disp_within']);
  // The batch that was under way, and its own.
  for (const { before, after } of behind) {
    expect(before).toBeLessThanOrEqual(1_000);
    expect(after).toBeGreaterThan(1_000);
  }
});

describe('the signal', () => {
  test('wakes the relay at once, also after its connection was lost', async () => {
    const relay = await fixture.relay(CAPTURED, { pollEveryMs: NEVER_MS });
    const outboxSignal = createOutboxSignal(fixture.store.database);
    const listening = async (): Promise<number> => {
      const sessions = await fixture.store.rows<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity WHERE datname = current_database()
          AND application_name = 'dakia-notifier-signal' AND query LIKE 'LISTEN%' AND state = 'idle'`,
      );
      return sessions[0]?.pid ?? 0;
    };
    const first = await eventually('the relay listens', async () => (await listening()) || undefined);
    await capture(0, 1);
    outboxSignal.notify();
    await fixture.relayed(10_000);

    await fixture.store.rows('SELECT pg_terminate_backend($1)', [first]);
    await capture(1, 1);
    // The signal comes while nobody listens: whoever begins to listen looks first.
    outboxSignal.notify();
    await fixture.relayed(10_000);
    await eventually('it listens again', async () => [0, first].includes(await listening()) === false);
    await capture(2, 1);
    outboxSignal.notify();
    await fixture.relayed(10_000);
    expect(linesWith(relay, 'the signal of the outbox is not received')).toHaveLength(1);
    expect(linesWith(relay, 'the signal of the outbox is received again')).toHaveLength(1);
  });

  test('is not needed: a relay that hears nothing looks by the clock', async () => {
    const relay = await fixture.relay(CAPTURED, {
      signalUrl: 'postgres://nobody@127.0.0.1:1/nothing',
      pollEveryMs: SOON_MS,
    });
    await eventually(
      'it is disconnected',
      () => linesWith(relay, 'the signal of the outbox is not received').length === 1,
    );
    await capture(0, 1);
    await fixture.relayed(10_000);
  });
});

describe('Redis', () => {
  test('is away: facts are relayed all the same, and their jobs are made when the sweeper finds them', async () => {
    const lonely = await fixture.relay(CAPTURED, { redisUrl: NO_REDIS, pollEveryMs: SOON_MS });
    await capture(0, 10);
    await fixture.relayed();
    await capture(10, 10);
    await fixture.relayed();
    await eventually('it says so', () => linesWith(lonely, 'do not take jobs').length === 1);
    expect(linesWith(lonely, 'relay cannot do its work')).toEqual([]);
    await lonely.stop();
    expect(await fixture.jobs('shop')).toEqual([]);

    fixture.later(10_000);
    await fixture.relay(CAPTURED, { pollEveryMs: NEVER_MS, sweepEveryMs: NEVER_MS });
    const rows = await fixture.rows();
    await eventually('the sweep at the start makes the jobs', async () => {
      expect(await fixture.jobs('shop')).toEqual(idsOf(rows, 'shop'));
      return true;
    });
  });

  test('has lost everything: what is overdue comes back, what is not due yet waits for its time', async () => {
    await fixture.relay(DISPUTES, { pollEveryMs: SOON_MS, sweepEveryMs: SOON_MS });
    await fixture.dispute('payment.dispute.created', 'ev_1', 'disp_1', {
      status: 'open',
      phase: 'chargeback',
      respond_by: inHours(100),
    });
    await fixture.relayed();
    const rows = await fixture.rows();
    await eventually('all jobs', async () => {
      expect(await fixture.jobs('team')).toEqual(idsOf(rows, 'team'));
      return true;
    });
    await fixture.flush();
    fixture.later(10_000);
    const [told] = rows;
    await eventually('the overdue one is there', async () => {
      expect(await fixture.jobs('team')).toEqual([told?.id]);
      return true;
    });
    await fixture.flush();
    fixture.later(29 * HOUR_S * 1000);
    await eventually('and the first reminder, in its time', async () => {
      expect(await fixture.jobs('team')).toEqual(idsOf(rows.slice(0, 2), 'team'));
      return true;
    });
  });

  test('gets back more than one look into Postgres finds', async () => {
    await capture(0, 1_200);
    const lonely = await fixture.relay(CAPTURED, { redisUrl: NO_REDIS, pollEveryMs: SOON_MS });
    await fixture.relayed();
    await lonely.stop();
    fixture.later(10_000);
    await fixture.relay(CAPTURED, { sweepEveryMs: NEVER_MS });
    const rows = await fixture.rows();
    await eventually('all jobs', async () => {
      expect(await fixture.jobs('team')).toEqual(idsOf(rows, 'team'));
      return true;
    });
  });
});

describe('what cannot be relayed', () => {
  const bad = (name: string, family: string, key: string): Promise<unknown> =>
    fixture.store.rows(
      `INSERT INTO outbox (name, dedupe_key, family, entity_key, payload)
        VALUES ($1, $2 || ':' || $3 || ':' || $1 || ':', $2, $3, '{}')`,
      [name, family, key],
    );
  const kept = () =>
    fixture.store.rows<{ entity_key: string; reason: string }>(
      `SELECT entity_key, reason FROM audit_logs WHERE action = 'fact.unusable' ORDER BY entity_key`,
    );

  test('is told to nobody, kept with the reason, and holds up no other fact', async () => {
    await bad('payment.levitated', 'payments', 'pay_a');
    await bad('payment.captured', 'payments', 'pay_b');
    await bad('payment.captured', 'disputes', 'pay_c');
    await bad('payment.captured', 'spells', 'pay_d');
    await capture(0, 2);
    const relay = await fixture.relay(CAPTURED);
    await fixture.relayed();
    expect((await fixture.rows()).map(({ entity_key, destination }) => [entity_key, destination])).toEqual([
      [paymentKey(0), 'shop'],
      [paymentKey(0), 'team'],
      [paymentKey(1), 'shop'],
      [paymentKey(1), 'team'],
    ]);
    expect(await kept()).toEqual([
      { entity_key: 'pay_a', reason: 'this version of Dakia knows no fact "payment.levitated"' },
      { entity_key: 'pay_b', reason: 'payments has no row for pay_b' },
      { entity_key: 'pay_c', reason: 'the fact payment.captured is about payments, not about "disputes"' },
      { entity_key: 'pay_d', reason: 'the fact payment.captured is about payments, not about "spells"' },
    ]);
    expect(await counted(relay, 'dakia_facts_unusable_total')).toBe(4);
    expect(linesWith(relay, 'a fact could not be understood')).toHaveLength(4);
  });

  test('is found when Postgres refuses the batch for one of its facts', async () => {
    await fixture.store.rows(
      `ALTER TABLE notifications ADD CONSTRAINT refused CHECK (entity_key <> '${paymentKey(3)}')`,
    );
    await capture(0, 6);
    await fixture.relay(CAPTURED);
    await fixture.relayed();
    const rows = await fixture.rows();
    expect(new Set(rows.map(({ entity_key }) => entity_key))).toEqual(new Set([0, 1, 2, 4, 5].map(paymentKey)));
    expect(await kept()).toEqual([
      { entity_key: paymentKey(3), reason: expect.stringContaining('violates check constraint "refused"') as string },
    ]);
    await eventually('the others have jobs', async () => {
      expect(await fixture.jobs('shop')).toEqual(idsOf(rows, 'shop'));
      return true;
    });
  });
});

test('Postgres goes away and comes back: the relay says it once each, and loses nothing', async () => {
  const proxy = await startPostgresProxy(fixture.store.url);
  try {
    const relay = await fixture.relay(CAPTURED, { databaseUrl: proxy.url, signalUrl: proxy.url, pollEveryMs: SOON_MS });
    await capture(0, 1);
    await fixture.relayed();
    proxy.cut();
    await capture(1, 1);
    await eventually('it has noticed', () => linesWith(relay, 'relay cannot do its work').length === 1);
    proxy.mend();
    await fixture.relayed();
    await eventually('it says so', () => linesWith(relay, 'relay goes on').length === 1);
    expect(linesWith(relay, 'relay cannot do its work')).toHaveLength(1);
    expect(await fixture.rows()).toHaveLength(4);
  } finally {
    proxy.close();
  }
});

test('what waits is shown on a scrape', async () => {
  const relay = await fixture.relay(CAPTURED, { pollEveryMs: SOON_MS });
  await capture(0, 3);
  await fixture.relayed();
  await fixture.store.rows(
    `UPDATE notifications SET status = 'failed', reason = 'no' WHERE destination = 'shop' AND entity_key = $1`,
    [paymentKey(0)],
  );
  await fixture.store.rows(
    `UPDATE notifications SET status = 'delivered', delivered_at = now() WHERE destination = ` +
      `'shop' AND entity_key = $1`,
    [paymentKey(1)],
  );
  await relay.stop();
  await capture(3, 2);
  await fixture.store.rows(`UPDATE outbox SET created_at = now() - interval '1 hour' WHERE relayed_at IS NULL`);
  const idle = await fixture.relay(CAPTURED, {
    signalUrl: 'postgres://nobody@127.0.0.1:1/nothing',
    pollEveryMs: NEVER_MS,
  });
  await fixture.relayed();
  await fixture.store.rows('UPDATE outbox SET relayed_at = NULL WHERE entity_key = $1', [paymentKey(4)]);
  const scraped = await idle.registry.metrics();
  expect(scraped).toContain('dakia_outbox_unrelayed 1');
  expect(Number(/^dakia_outbox_oldest_seconds (\S+)/m.exec(scraped)?.[1])).toBeGreaterThanOrEqual(3_600);
  expect(scraped).toContain('dakia_notifications{destination="shop",status="failed"} 1');
  expect(scraped).toContain('dakia_notifications{destination="shop",status="pending"} 3');
  expect(scraped).toContain('dakia_notifications{destination="team",status="pending"} 5');
  expect(scraped).not.toContain('delivered');
});
