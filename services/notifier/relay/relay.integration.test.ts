import { eventually, fillPayments, insertPaymentFacts, paymentKey } from '#kit';
import { createOutboxBell } from '#platform/postgres';
import { startPostgresProxy } from '../../../test/faults/postgres-proxy.ts';
import { notificationAccount } from '../../../test/kit/notification-account.ts';
import { openRelayWorld, rulesOf } from '../../../test/kit/notify/relay-world.ts';
import type { NotificationRow, RelayWorld, StartedRelay } from '../../../test/kit/notify/relay-world.ts';
import { lockEntities } from '../store/notification-store.ts';

jest.setTimeout(60_000);

/** So rarely that a test which passes did not need it. */
const NEVER_MS = 600_000;
/** A poll or a sweep that comes soon. */
const SOON_MS = 100;
/** Nobody listens there. */
const NO_REDIS = 'redis://127.0.0.1:1';
const HOUR_S = 3_600;
const inHours = (hours: number): number => Math.round(Date.now() / 1000) + hours * HOUR_S;

const CAPTURED = rulesOf(
  'destinations: {shop: {type: log}, team: {type: log}}\nrules:\n  - {name: captured, when: payment.captured, to: [shop, team]}\n',
);
const DISPUTES = rulesOf(`destinations: {shop: {type: log}, team: {type: log}}
rules:
  - name: disputes
    when: [dispute.opened, dispute.action_required, dispute.won]
    to: team
    reminders: {before: respond_by, hours: [72, 24], while: [open, action_required]}
`);

let world: RelayWorld;
beforeEach(async () => {
  world = await openRelayWorld();
});
afterEach(async () => world.close());

const capture = async (from: number, count: number): Promise<void> => {
  await fillPayments(world.store.database, from, count);
  await insertPaymentFacts(
    world.store.database,
    Array.from({ length: count }, (_, index) => ({ kind: 'payment.captured' as const, payment: from + index })),
  );
};
const counted = async ({ registry }: StartedRelay, name: string): Promise<number> => {
  const metric = await registry.getSingleMetric(name)?.get();
  return (metric?.values ?? []).reduce((sum, { value }) => sum + value, 0);
};
const idsOf = (rows: readonly NotificationRow[], destination: string): readonly string[] =>
  rows
    .filter((row) => row.destination === destination)
    .map(({ id }) => id)
    .sort();
const brief = ({ kind, hours, status, reason }: NotificationRow): string =>
  [kind, ...(hours === null ? [] : [`${hours}h`]), status, ...(reason === null ? [] : [reason])].join(' ');
const linesWith = ({ logged }: StartedRelay, text: string): readonly string[] =>
  logged.filter((line) => line.includes(text));

test('a change of state is told once, however often its event comes and however often the outbox is relayed', async () => {
  const relay = await world.relay(DISPUTES, { pollEveryMs: SOON_MS });
  await world.dispute('payment.dispute.created', 'ev_1', 'disp_1', { status: 'open', phase: 'chargeback' });
  await world.dispute('payment.dispute.created', 'ev_1', 'disp_1', { status: 'open', phase: 'chargeback' });
  await world.dispute('payment.dispute.created', 'ev_2', 'disp_1', { status: 'open', phase: 'chargeback' });
  await world.relayed();
  const rows = await world.rows();
  expect(rows.map(brief)).toEqual(['dispute.opened pending']);

  await world.store.rows(`UPDATE notifications SET status = 'delivered', delivered_at = now()`);
  await world.store.rows('UPDATE outbox SET relayed_at = NULL');
  await world.relayed();
  expect(await world.rows()).toEqual([{ ...rows[0], status: 'delivered' }]);
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
  const relays = await Promise.all([world.relay(CAPTURED), world.relay(CAPTURED), world.relay(CAPTURED)]);
  await world.relayed(30_000);
  const rows = await world.rows();
  for (const destination of ['shop', 'team']) {
    expect(
      new Set(rows.filter((row) => row.destination === destination).map(({ entity_key }) => entity_key)).size,
    ).toBe(2_000);
    await eventually(
      `all jobs of ${destination}`,
      async () => expect(await world.jobs(destination)).toEqual(idsOf(rows, destination)) ?? true,
    );
  }
  const [facts, planned] = await Promise.all(
    ['dakia_facts_relayed_total', 'dakia_notifications_planned_total'].map(async (name) =>
      (await Promise.all(relays.map((relay) => counted(relay, name)))).reduce((a, b) => a + b),
    ),
  );
  expect([rows.length, facts, planned]).toEqual([4_000, 2_000, 4_000]);
  expect(await notificationAccount(world.store.database)).toEqual({
    ok: true,
    facts: { total: 2_000, relayed: 2_000, unrelayed: 0 },
    notifications: { total: 4_000, pending: 4_000, retrying: 0, delivered: 0, failed: 0, cancelled: 0 },
    orphans: 0,
  });
});

describe('the bell', () => {
  test('wakes the relay at once, also after its connection was lost', async () => {
    const relay = await world.relay(CAPTURED, { pollEveryMs: NEVER_MS });
    const bell = createOutboxBell(world.store.database);
    const listening = async (): Promise<number> => {
      const sessions = await world.store.rows<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'dakia-notifier-bell' AND query LIKE 'LISTEN%' AND state = 'idle'`,
      );
      return sessions[0]?.pid ?? 0;
    };
    const first = await eventually('the relay listens', async () => (await listening()) || undefined);
    await capture(0, 1);
    bell.ring();
    await world.relayed(10_000);

    await world.store.rows('SELECT pg_terminate_backend($1)', [first]);
    await capture(1, 1);
    // The ring comes while nobody listens: whoever begins to listen looks first.
    bell.ring();
    await world.relayed(10_000);
    await eventually('it listens again', async () => [0, first].includes(await listening()) === false);
    await capture(2, 1);
    bell.ring();
    await world.relayed(10_000);
    expect(linesWith(relay, 'the bell of the outbox is not heard')).toHaveLength(1);
    expect(linesWith(relay, 'the bell of the outbox is heard again')).toHaveLength(1);
  });

  test('is not needed: a relay that hears nothing looks by the clock', async () => {
    const relay = await world.relay(CAPTURED, {
      bellUrl: 'postgres://nobody@127.0.0.1:1/nothing',
      pollEveryMs: SOON_MS,
    });
    await eventually('it is deaf', () => linesWith(relay, 'the bell of the outbox is not heard').length === 1);
    await capture(0, 1);
    await world.relayed(10_000);
  });
});

describe('Redis', () => {
  test('is away: facts are relayed all the same, and their jobs are made when the sweeper finds them', async () => {
    const lonely = await world.relay(CAPTURED, { redisUrl: NO_REDIS, pollEveryMs: SOON_MS });
    await capture(0, 10);
    await world.relayed();
    await capture(10, 10);
    await world.relayed();
    await eventually('it says so', () => linesWith(lonely, 'do not take jobs').length === 1);
    expect(linesWith(lonely, 'relay cannot do its work')).toEqual([]);
    await lonely.stop();
    expect(await world.jobs('shop')).toEqual([]);

    world.later(10_000);
    await world.relay(CAPTURED, { pollEveryMs: NEVER_MS, sweepEveryMs: NEVER_MS });
    const rows = await world.rows();
    await eventually(
      'the sweep at the start makes the jobs',
      async () => expect(await world.jobs('shop')).toEqual(idsOf(rows, 'shop')) ?? true,
    );
  });

  test('has lost everything: what is overdue comes back, what is not due yet waits for its time', async () => {
    await world.relay(DISPUTES, { pollEveryMs: SOON_MS, sweepEveryMs: SOON_MS });
    await world.dispute('payment.dispute.created', 'ev_1', 'disp_1', {
      status: 'open',
      phase: 'chargeback',
      respond_by: inHours(100),
    });
    await world.relayed();
    const rows = await world.rows();
    await eventually('all jobs', async () => expect(await world.jobs('team')).toEqual(idsOf(rows, 'team')) ?? true);
    await world.flush();
    world.later(10_000);
    const [told] = rows;
    await eventually(
      'the overdue one is there',
      async () => expect(await world.jobs('team')).toEqual([told?.id]) ?? true,
    );
    await world.flush();
    world.later(29 * HOUR_S * 1000);
    await eventually(
      'and the first reminder, in its time',
      async () => expect(await world.jobs('team')).toEqual(idsOf(rows.slice(0, 2), 'team')) ?? true,
    );
  });

  test('gets back more than one look into Postgres finds', async () => {
    await capture(0, 1_200);
    const lonely = await world.relay(CAPTURED, { redisUrl: NO_REDIS, pollEveryMs: SOON_MS });
    await world.relayed();
    await lonely.stop();
    world.later(10_000);
    await world.relay(CAPTURED, { sweepEveryMs: NEVER_MS });
    const rows = await world.rows();
    await eventually('all jobs', async () => expect(await world.jobs('team')).toEqual(idsOf(rows, 'team')) ?? true);
  });
});

describe('reminders', () => {
  const opened = { status: 'open', phase: 'chargeback', respond_by: inHours(100) };

  test('are cancelled as soon as the dispute moves on, and live again when it comes back with the same time', async () => {
    await world.relay(DISPUTES, { pollEveryMs: SOON_MS });
    await world.dispute('payment.dispute.created', 'ev_1', 'disp_1', opened, 1);
    await world.dispute('payment.dispute.created', 'ev_2', 'disp_2', opened, 1);
    await world.relayed();
    const before = await world.rows();
    expect(before.filter(({ entity_key }) => entity_key === 'disp_1').map(brief)).toEqual([
      'dispute.opened pending',
      'dispute.opened 72h pending',
      'dispute.opened 24h pending',
    ]);
    await eventually('all jobs', async () => expect(await world.jobs('team')).toEqual(idsOf(before, 'team')) ?? true);

    await world.dispute(
      'payment.dispute.under_review',
      'ev_3',
      'disp_1',
      { status: 'under_review', phase: 'chargeback' },
      2,
    );
    await world.relayed();
    const over = (await world.rows()).filter(({ status }) => status === 'cancelled');
    expect(over.map((row) => `${row.entity_key} ${brief(row)}`)).toEqual(
      ['72h', '24h'].map((hours) => `disp_1 dispute.opened ${hours} cancelled moved on: the status is under_review`),
    );
    const left = before.map(({ id }) => id).filter((id) => !over.some((row) => row.id === id));
    await eventually(
      'their jobs are gone',
      async () => expect(await world.jobs('team')).toEqual(left.toSorted()) ?? true,
    );

    await world.dispute(
      'payment.dispute.action_required',
      'ev_4',
      'disp_1',
      { status: 'open', phase: 'chargeback', respond_by: opened.respond_by },
      3,
    );
    await world.relayed();
    const after = (await world.rows()).filter(({ entity_key }) => entity_key === 'disp_1');
    expect(after.map(brief)).toEqual([
      'dispute.opened pending',
      'dispute.action_required pending',
      'dispute.action_required 72h pending',
      'dispute.action_required 24h pending',
    ]);
    expect(over.every(({ id }) => after.some((row) => row.id === id))).toBe(true);
    await eventually(
      'their jobs are back',
      async () => expect(await world.jobs('team')).toEqual(idsOf(await world.rows(), 'team')) ?? true,
    );
  });

  test('move when the deadline does, also for a fact that no rule asks for', async () => {
    await world.relay(DISPUTES, { pollEveryMs: SOON_MS });
    await world.dispute('payment.dispute.created', 'ev_1', 'disp_1', opened, 1);
    await world.relayed();
    await world.store.rows(`UPDATE payment_disputes SET respond_by = to_timestamp($1)`, [inHours(50)]);
    await world.store.rows(
      `INSERT INTO outbox (name, dedupe_key, family, entity_key, payload) VALUES ('dispute.reopened', 'disputes:disp_1:dispute.reopened:x', 'disputes', 'disp_1', '{}')`,
    );
    await world.relayed();
    const rows = await world.rows();
    expect(rows.map(brief)).toEqual([
      'dispute.opened pending',
      'dispute.opened 24h pending',
      'dispute.opened 72h cancelled respond_by is another time now',
      'dispute.opened 24h cancelled respond_by is another time now',
    ]);
    const waiting = rows.filter(({ status }) => status === 'pending');
    await eventually(
      'jobs follow',
      async () => expect(await world.jobs('team')).toEqual(idsOf(waiting, 'team')) ?? true,
    );
  });

  test('are decided by the row as it stands once no other relay has the dispute in hand', async () => {
    const first = await world.relay(DISPUTES, { pollEveryMs: SOON_MS });
    await world.dispute('payment.dispute.created', 'ev_1', 'disp_1', opened, 1);
    await world.relayed();
    await first.stop();
    await world.dispute(
      'payment.dispute.under_review',
      'ev_2',
      'disp_1',
      { status: 'under_review', phase: 'chargeback' },
      2,
    );
    await world.database.transaction(async (tx) => {
      await lockEntities(tx, [{ family: 'disputes', key: 'disp_1' }]);
      await world.relay(DISPUTES, { pollEveryMs: SOON_MS });
      await eventually(
        'the other relay waits',
        async () =>
          (
            await world.store.rows(
              `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'`,
            )
          ).length === 1,
      );
      await world.store.rows(`UPDATE payment_disputes SET status = 'action_required'`);
    });
    await world.relayed();
    expect((await world.rows()).map(brief)).toEqual([
      'dispute.opened pending',
      'dispute.opened 72h pending',
      'dispute.opened 24h pending',
    ]);
  });

  test('lie as far ahead as they like', async () => {
    await world.relay(DISPUTES, { pollEveryMs: SOON_MS });
    await world.dispute('payment.dispute.created', 'ev_1', 'disp_1', { ...opened, respond_by: inHours(24 * 500) }, 1);
    await world.relayed();
    const rows = await world.rows();
    expect(rows).toHaveLength(3);
    await eventually('all jobs', async () => expect(await world.jobs('team')).toEqual(idsOf(rows, 'team')) ?? true);
  });

  test('of a rule or a destination that this process does not have are left alone', async () => {
    const first = await world.relay(DISPUTES, { pollEveryMs: SOON_MS });
    await world.dispute('payment.dispute.created', 'ev_1', 'disp_1', opened, 1);
    await world.relayed();
    await first.stop();
    const other = rulesOf(
      `destinations: {shop: {type: log}}\nrules:\n  - {name: others, when: dispute.opened, to: shop, reminders: {before: respond_by, hours: [72], while: open}}\n`,
    );
    const second = await world.relay(other, { pollEveryMs: SOON_MS, sweepEveryMs: SOON_MS });
    await world.dispute('payment.dispute.won', 'ev_2', 'disp_1', { status: 'won', phase: 'chargeback' }, 2);
    await world.relayed();
    expect((await world.rows()).map(brief)).toEqual([
      'dispute.opened pending',
      'dispute.opened 72h pending',
      'dispute.opened 24h pending',
    ]);
    await eventually(
      'it says what waits',
      () => linesWith(second, 'destinations that are off or no longer in the file: team').length > 0,
    );
  });
});

describe('what cannot be relayed', () => {
  const bad = (name: string, family: string, key: string): Promise<unknown> =>
    world.store.rows(
      `INSERT INTO outbox (name, dedupe_key, family, entity_key, payload) VALUES ($1, $2 || ':' || $3 || ':' || $1 || ':', $2, $3, '{}')`,
      [name, family, key],
    );
  const kept = () =>
    world.store.rows<{ entity_key: string; reason: string }>(
      `SELECT entity_key, reason FROM audit_logs WHERE action = 'fact.unusable' ORDER BY entity_key`,
    );

  test('is told to nobody, kept with the reason, and holds up no other fact', async () => {
    await bad('payment.levitated', 'payments', 'pay_a');
    await bad('payment.captured', 'payments', 'pay_b');
    await bad('payment.captured', 'disputes', 'pay_c');
    await bad('payment.captured', 'spells', 'pay_d');
    await capture(0, 2);
    const relay = await world.relay(CAPTURED);
    await world.relayed();
    expect((await world.rows()).map(({ entity_key, destination }) => [entity_key, destination])).toEqual([
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
    await world.store.rows(`ALTER TABLE notifications ADD CONSTRAINT refused CHECK (entity_key <> '${paymentKey(3)}')`);
    await capture(0, 6);
    await world.relay(CAPTURED);
    await world.relayed();
    const rows = await world.rows();
    expect(new Set(rows.map(({ entity_key }) => entity_key))).toEqual(new Set([0, 1, 2, 4, 5].map(paymentKey)));
    expect(await kept()).toEqual([
      { entity_key: paymentKey(3), reason: expect.stringContaining('violates check constraint "refused"') as string },
    ]);
    await eventually(
      'the others have jobs',
      async () => expect(await world.jobs('shop')).toEqual(idsOf(rows, 'shop')) ?? true,
    );
  });
});

test('Postgres goes away and comes back: the relay says it once each, and loses nothing', async () => {
  const proxy = await startPostgresProxy(world.store.url);
  try {
    const relay = await world.relay(CAPTURED, { databaseUrl: proxy.url, bellUrl: proxy.url, pollEveryMs: SOON_MS });
    await capture(0, 1);
    await world.relayed();
    proxy.cut();
    await capture(1, 1);
    await eventually('it has noticed', () => linesWith(relay, 'relay cannot do its work').length === 1);
    proxy.mend();
    await world.relayed();
    await eventually('it says so', () => linesWith(relay, 'relay goes on').length === 1);
    expect(linesWith(relay, 'relay cannot do its work')).toHaveLength(1);
    expect(await world.rows()).toHaveLength(4);
  } finally {
    proxy.close();
  }
});

test('what waits is shown on a scrape', async () => {
  const relay = await world.relay(CAPTURED, { pollEveryMs: SOON_MS });
  await capture(0, 3);
  await world.relayed();
  await world.store.rows(
    `UPDATE notifications SET status = 'failed', reason = 'no' WHERE destination = 'shop' AND entity_key = $1`,
    [paymentKey(0)],
  );
  await world.store.rows(
    `UPDATE notifications SET status = 'delivered', delivered_at = now() WHERE destination = 'shop' AND entity_key = $1`,
    [paymentKey(1)],
  );
  await relay.stop();
  await capture(3, 2);
  await world.store.rows(`UPDATE outbox SET created_at = now() - interval '1 hour' WHERE relayed_at IS NULL`);
  const idle = await world.relay(CAPTURED, { bellUrl: 'postgres://nobody@127.0.0.1:1/nothing', pollEveryMs: NEVER_MS });
  await world.relayed();
  await world.store.rows('UPDATE outbox SET relayed_at = NULL WHERE entity_key = $1', [paymentKey(4)]);
  const scraped = await idle.registry.metrics();
  expect(scraped).toContain('dakia_outbox_unrelayed 1');
  expect(Number(/^dakia_outbox_oldest_seconds (\S+)/m.exec(scraped)?.[1])).toBeGreaterThanOrEqual(3_600);
  expect(scraped).toContain('dakia_notifications{destination="shop",status="failed"} 1');
  expect(scraped).toContain('dakia_notifications{destination="shop",status="pending"} 3');
  expect(scraped).toContain('dakia_notifications{destination="team",status="pending"} 5');
  expect(scraped).not.toContain('delivered');
});
