import { eventually } from '#kit';
import {
  brief,
  DISPUTES,
  idsOf,
  inHours,
  linesWith,
  openRelayWorld,
  rulesOf,
  SOON_MS,
} from '../../../test/kit/notify/relay-world.ts';
import type { RelayWorld } from '../../../test/kit/notify/relay-world.ts';
import { lockEntities } from '../store/notification-store.ts';

jest.setTimeout(60_000);

let world: RelayWorld;
beforeEach(async () => {
  world = await openRelayWorld();
});
afterEach(async () => world.close());

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
