import { eventually } from '#kit';
import {
  brief,
  DISPUTES,
  idsOf,
  inHours,
  linesWith,
  openRelayFixture,
  rulesOf,
  SOON_MS,
} from '../../../test/kit/notify/relay-fixture.ts';
import type { RelayFixture } from '../../../test/kit/notify/relay-fixture.ts';
import { lockEntities } from '../store/notification-store.ts';

jest.setTimeout(60_000);

let fixture: RelayFixture;
beforeEach(async () => {
  fixture = await openRelayFixture();
});
afterEach(async () => fixture.close());

describe('reminders', () => {
  const opened = { status: 'open', phase: 'chargeback', respond_by: inHours(100) };

  test('are cancelled as soon as the dispute moves on, and live again when it comes back with the same time', async () => {
    await fixture.relay(DISPUTES, { pollEveryMs: SOON_MS });
    await fixture.dispute('payment.dispute.created', 'ev_1', 'disp_1', opened, 1);
    await fixture.dispute('payment.dispute.created', 'ev_2', 'disp_2', opened, 1);
    await fixture.relayed();
    const before = await fixture.rows();
    expect(before.filter(({ entity_key }) => entity_key === 'disp_1').map(brief)).toEqual([
      'dispute.opened pending',
      'dispute.opened 72h pending',
      'dispute.opened 24h pending',
    ]);
    await eventually('all jobs', async () => {
      expect(await fixture.jobs('team')).toEqual(idsOf(before, 'team'));
      return true;
    });

    await fixture.dispute(
      'payment.dispute.under_review',
      'ev_3',
      'disp_1',
      { status: 'under_review', phase: 'chargeback' },
      2,
    );
    await fixture.relayed();
    const over = (await fixture.rows()).filter(({ status }) => status === 'cancelled');
    expect(over.map((row) => `${row.entity_key} ${brief(row)}`)).toEqual(
      ['72h', '24h'].map((hours) => `disp_1 dispute.opened ${hours} cancelled moved on: the status is under_review`),
    );
    const left = before.map(({ id }) => id).filter((id) => !over.some((row) => row.id === id));
    await eventually('their jobs are gone', async () => {
      expect(await fixture.jobs('team')).toEqual(left.toSorted());
      return true;
    });

    await fixture.dispute(
      'payment.dispute.action_required',
      'ev_4',
      'disp_1',
      { status: 'open', phase: 'chargeback', respond_by: opened.respond_by },
      3,
    );
    await fixture.relayed();
    const after = (await fixture.rows()).filter(({ entity_key }) => entity_key === 'disp_1');
    expect(after.map(brief)).toEqual([
      'dispute.opened pending',
      'dispute.action_required pending',
      'dispute.action_required 72h pending',
      'dispute.action_required 24h pending',
    ]);
    expect(over.every(({ id }) => after.some((row) => row.id === id))).toBe(true);
    await eventually('their jobs are back', async () => {
      expect(await fixture.jobs('team')).toEqual(idsOf(await fixture.rows(), 'team'));
      return true;
    });
  });

  test('move when the deadline does, also for a fact that no rule asks for', async () => {
    await fixture.relay(DISPUTES, { pollEveryMs: SOON_MS });
    await fixture.dispute('payment.dispute.created', 'ev_1', 'disp_1', opened, 1);
    await fixture.relayed();
    await fixture.store.rows(`UPDATE payment_disputes SET respond_by = to_timestamp($1)`, [inHours(50)]);
    await fixture.store.rows(
      `INSERT INTO outbox (name, dedupe_key, family, entity_key, payload)
        VALUES ('dispute.reopened', 'disputes:disp_1:dispute.reopened:x', 'disputes', 'disp_1', '{}')`,
    );
    await fixture.relayed();
    const rows = await fixture.rows();
    expect(rows.map(brief)).toEqual([
      'dispute.opened pending',
      'dispute.opened 24h pending',
      'dispute.opened 72h cancelled respond_by is another time now',
      'dispute.opened 24h cancelled respond_by is another time now',
    ]);
    const waiting = rows.filter(({ status }) => status === 'pending');
    await eventually('jobs follow', async () => {
      expect(await fixture.jobs('team')).toEqual(idsOf(waiting, 'team'));
      return true;
    });
  });

  test('are decided by the row as it stands once no other relay has the dispute in hand', async () => {
    const first = await fixture.relay(DISPUTES, { pollEveryMs: SOON_MS });
    await fixture.dispute('payment.dispute.created', 'ev_1', 'disp_1', opened, 1);
    await fixture.relayed();
    await first.stop();
    await fixture.dispute(
      'payment.dispute.under_review',
      'ev_2',
      'disp_1',
      { status: 'under_review', phase: 'chargeback' },
      2,
    );
    await fixture.database.transaction(async (tx) => {
      await lockEntities(tx, [{ family: 'disputes', key: 'disp_1' }]);
      await fixture.relay(DISPUTES, { pollEveryMs: SOON_MS });
      await eventually(
        'the other relay waits',
        async () =>
          (
            await fixture.store.rows(
              `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'`,
            )
          ).length === 1,
      );
      await fixture.store.rows(`UPDATE payment_disputes SET status = 'action_required'`);
    });
    await fixture.relayed();
    expect((await fixture.rows()).map(brief)).toEqual([
      'dispute.opened pending',
      'dispute.opened 72h pending',
      'dispute.opened 24h pending',
    ]);
  });

  test('lie as far ahead as they like', async () => {
    await fixture.relay(DISPUTES, { pollEveryMs: SOON_MS });
    await fixture.dispute('payment.dispute.created', 'ev_1', 'disp_1', { ...opened, respond_by: inHours(24 * 500) }, 1);
    await fixture.relayed();
    const rows = await fixture.rows();
    expect(rows).toHaveLength(3);
    await eventually('all jobs', async () => {
      expect(await fixture.jobs('team')).toEqual(idsOf(rows, 'team'));
      return true;
    });
  });

  test('of a rule or a destination that this process does not have are left alone', async () => {
    const first = await fixture.relay(DISPUTES, { pollEveryMs: SOON_MS });
    await fixture.dispute('payment.dispute.created', 'ev_1', 'disp_1', opened, 1);
    await fixture.relayed();
    await first.stop();
    const other = rulesOf(
      `destinations: {shop: {type: log}}\nrules:\n` +
        '  - {name: others, when: dispute.opened, to: shop, reminders: {before: respond_by, hours: ' +
        `[72], while: open}}\n`,
    );
    const second = await fixture.relay(other, { pollEveryMs: SOON_MS, sweepEveryMs: SOON_MS });
    await fixture.dispute('payment.dispute.won', 'ev_2', 'disp_1', { status: 'won', phase: 'chargeback' }, 2);
    await fixture.relayed();
    expect((await fixture.rows()).map(brief)).toEqual([
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
