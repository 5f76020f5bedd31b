import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allAggregates } from '#families';
import { instant } from '#rules';
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
    `INSERT INTO notifications (id, fact_id, kind, occurrence, family, entity_key, fact_at, rule, destination, priority,
      status, attempts, next_attempt_at, delivered_at, response)
     VALUES ('ntf_1', 1, 'payment.captured', '', 'payments', 'pay_1', now(), 'all', 'order-system', 4, 'delivered', 2,
       now(), now(), '200 OK')`,
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

test('an event that came again is told each time, by its entity and by its own id, with the secret of each delivery', async () => {
  const disputes = await store.partition('rzp.disputes.v1', 0);
  const quarantine = await store.partition('rzp.quarantine.v1', 1);
  const opened = testEvent('payment.dispute.created', 'event_again', 'disp_again', { status: 'open' });
  if (!opened.ok) throw new Error('a test event is an envelope');
  const at = (afterS: number, secretPosition: number) =>
    ({
      ok: true,
      value: { ...opened.value, receivedAt: instant(opened.value.receivedAt + afterS * 1_000), secretPosition },
    }) as const;
  await disputes.send(at(0, 2), ...Array.from({ length: 35 }, (_, index) => at(index + 1, 1)));
  const { stdout } = await show('disp_again', '--json');
  const { story } = JSON.parse(stdout) as { readonly story: readonly Record<string, unknown>[] };
  expect(story).toHaveLength(34);
  const digest = expect.stringMatching(/^[0-9a-f]{64}$/) as unknown;
  expect(story[0]).toMatchObject({ outcome: 'applied', eventId: 'event_again', secret: 2, digest });
  expect(story[1]).toMatchObject({ outcome: 'redelivered', eventId: 'event_again', secret: 1, digest });
  expect(new Set(story.map((entry) => entry['digest'])).size).toBe(1);
  expect(story.at(-1)).toMatchObject({ outcome: 'redelivered', reason: 'the newest of 3 more', secret: null });

  const odd = { ...opened.value, kind: 'quarantine', event: 'no.such', reason: 'unknown-event', eventId: 'event_odd' };
  const body = Buffer.from('{"event":"no.such"}');
  for (const afterS of [0, 60])
    await quarantine.send({
      ok: true,
      value: { ...odd, rawBody: body, receivedAt: instant(opened.value.receivedAt + afterS * 1_000) } as never,
    });
  expect((await show('event_odd')).stdout).toMatch(/no\.such +quarantined[\s\S]*no\.such +redelivered/);
});

test('an id of nothing is said to be that', async () => {
  const { code, stdout, stderr } = await show('pay_none', '--json');
  expect([code, JSON.parse(stdout)]).toEqual([
    1,
    { ok: false, error: 'Nothing is known of pay_none: no entity has this id, and no event that is kept.' },
  ]);
  expect(stderr).toContain('Nothing is known of pay_none');
});
