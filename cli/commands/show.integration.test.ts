import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allAggregates } from '#families';
import { openDakia } from '../../test/kit/cli/run-dakia.ts';
import type { Dakia } from '../../test/kit/cli/run-dakia.ts';
import { openTestStore, testEvent } from '../../test/kit/test-store.ts';
import type { TestStore } from '../../test/kit/test-store.ts';

/** The machine may be busy with others. */
jest.setTimeout(30_000);

let store: TestStore;
let folder: string;
let commands: Dakia;
const show = (...args: readonly string[]) => commands.run('--data-dir', folder, 'show', ...args);

beforeAll(async () => {
  store = await openTestStore('payments', allAggregates);
  folder = mkdtempSync(join(tmpdir(), 'dakia-show-'));
  commands = openDakia({ DATABASE_URL: store.url, DAKIA_TIME_ZONE: 'Asia/Kolkata' });
  await store.rows('ALTER TABLE payment_refunds ADD CONSTRAINT never_five CHECK (amount_minor <> 5)');
  const payments = await store.partition('rzp.payments.v1', 0);
  const refunds = await store.partition('rzp.refunds.v1', 0);
  const quarantine = await store.partition('rzp.quarantine.v1', 0);
  const paid = { order_id: 'order_1', amount: 50_000, currency: 'INR', email: 'asha@example.com' };
  await payments.send(
    testEvent('payment.authorized', 'event_a', 'pay_1', paid),
    testEvent('payment.captured', 'event_b', 'pay_1', paid),
  );
  await refunds.send(
    testEvent('refund.processed', 'event_c', 'rfnd_1', { payment_id: 'pay_1', amount: 20_000 }),
    testEvent('refund.created', 'event_d', 'rfnd_2', { payment_id: 'pay_2', amount: 5 }),
  );
  await quarantine.send({ ok: false, issues: ['no schema'] });
  await store.rows(
    `INSERT INTO notifications (id, fact_id, kind, occurrence, family, entity_key, fact_at, rule, destination, priority, status, attempts, next_attempt_at, delivered_at, response)
     VALUES ('ntf_1', 1, 'payment.captured', '', 'payments', 'pay_1', now(), 'all', 'order-system', 4, 'delivered', 2, now(), now(), '200 OK')`,
  );
});
afterAll(async () => {
  await commands.close();
  await store.close();
  rmSync(folder, { recursive: true });
});

interface Told {
  readonly kind: string;
  readonly what: string;
  readonly outcome: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly who: string | null;
}

test('a payment: what it is, its refund, and everything that happened to both', async () => {
  const { stdout } = await show('pay_1', '--json');
  const found = JSON.parse(stdout) as {
    readonly entity: { readonly status: string; readonly columns: Record<string, unknown> };
    readonly related: readonly unknown[];
    readonly story: readonly Told[];
  };
  expect(found.entity).toMatchObject({ status: 'captured', columns: { amount_minor: 50_000, order_id: 'order_1' } });
  expect(found.related).toEqual([{ family: 'refunds', noun: 'refund', key: 'rfnd_1', status: 'processed' }]);
  const lines = found.story.map(({ kind, what, outcome, from, to, who }) => [kind, what, outcome, from, to, who]);
  expect(lines).toHaveLength(4);
  expect(lines).toEqual(
    expect.arrayContaining([
      ['event', 'payment.authorized', 'applied', null, 'authorized', null],
      ['event', 'payment.captured', 'applied', 'authorized', 'captured', null],
      ['event', 'refund.processed', 'applied', null, 'processed', null],
      ['told', 'payment.captured', 'delivered', null, null, 'order-system'],
    ]),
  );
});

test('as text it is in the configured zone; personal data only when asked for', async () => {
  const { stdout } = await show('pay_1');
  expect(stdout).toMatch(/^payment pay_1: captured\n/);
  expect(stdout).toMatch(/refund +rfnd_1 +processed/);
  expect(stdout).toMatch(
    /\+05:30 +payment\.authorized +applied, new to authorized\n.*\n.*\+05:30 +payment\.captured +applied, authorized to/,
  );
  expect(stdout).toContain('200 OK');
  expect(stdout).not.toContain('asha@example.com');
  expect((await show('pay_1', '--personal')).stdout).toContain('asha@example.com');
});

test('the id of an event leads to its entity', async () => {
  const { stdout } = await show('event_c');
  expect(stdout).toMatch(/^event_c is the id of an event\.\nrefund rfnd_1: processed\n/);
  expect(stdout).toMatch(/payment +pay_1 +captured/);
});

test('what only waits is shown with its reason, by its own id and by its event', async () => {
  for (const id of ['rfnd_2', 'event_d']) {
    const { code, stdout } = await show(id);
    expect([code, stdout]).toEqual([0, expect.stringContaining('No event of it was applied so far.')]);
    expect(stdout).toMatch(/refund\.created +parked/);
    expect(stdout).toContain('never_five');
  }
});

test('a quarantined event is found by its id', async () => {
  const { code, stdout } = await show('undecodable-rzp.quarantine.v1-0-0');
  expect(code).toBe(0);
  expect(stdout).toContain('quarantined');
  expect(stdout).toContain('undecodable: no schema');
});

test('an id of nothing is said to be that', async () => {
  const { code, stdout, stderr } = await show('pay_none', '--json');
  expect([code, JSON.parse(stdout)]).toEqual([
    1,
    { ok: false, error: 'Nothing is known of pay_none: no entity has this id, and no event that is kept.' },
  ]);
  expect(stderr).toContain('Nothing is known of pay_none');
});
