import { arrive } from '#kit/arrive';
import { inEveryOrder } from '#kit/orders';
import { publishedBodies, snapshotOf } from '#kit/published';
import type { JsonRecord, Snapshot } from '#rules';
import { accountAggregate } from './index.ts';

const NOW = 1_650_949_704;

const account = (
  name: 'instantly_activated' | 'activated_kyc_pending',
  id: string,
  entity: JsonRecord,
  createdAt: number | null = NOW,
): Snapshot =>
  snapshotOf(
    {
      event: `account.${name}`,
      account_id: 'acc_JNraR8O85H1atC',
      created_at: createdAt,
      payload: { account: { entity: { id: 'JNraR8O85H1atC', entity: 'merchant', ...entity } } },
    },
    id,
  );

const instant = account('instantly_activated', 'event_1', {
  hold_funds: true,
  suspended_at: null,
  updated_at: NOW,
  merchant_detail: { activation_status: 'instantly_activated', activation_progress: 60 },
});
const pending = account(
  'activated_kyc_pending',
  'event_2',
  {
    hold_funds: false,
    suspended_at: null,
    updated_at: NOW + 4099,
    merchant_detail: { activation_status: 'activated_kyc_pending' },
  },
  NOW + 4099,
);

describe('an account', () => {
  test('with its verification pending does not go back to instant activation, whichever comes first', () => {
    expect(inEveryOrder(accountAggregate, [pending, instant])).toMatchObject({
      status: 'activated_kyc_pending',
      values: {
        hold_funds: false,
        activation_status: 'activated_kyc_pending',
        activation_progress: 60,
        last_event_id: 'event_2',
        changed_at: (NOW + 4099) * 1000,
      },
    });
  });

  test('of two snapshots of one status the one updated later stands higher, whatever the envelopes say', () => {
    const older = account('instantly_activated', 'event_8', { name: 'Old', updated_at: NOW }, NOW + 100);
    const newer = account('instantly_activated', 'event_7', { name: 'New', updated_at: NOW + 1 }, NOW + 50);
    expect(inEveryOrder(accountAggregate, [older, newer]).values['name']).toBe('New');
  });

  test('without a time of update the later envelope stands higher, and one without a time lowest', () => {
    const untimed = account('instantly_activated', 'event_9', { name: 'Untimed' }, null);
    const older = account('instantly_activated', 'event_8', { name: 'Old' }, NOW);
    const newer = account('instantly_activated', 'event_7', { name: 'New' }, NOW + 1);
    expect(inEveryOrder(accountAggregate, [older, newer, untimed]).values['name']).toBe('New');
    expect(inEveryOrder(accountAggregate, [untimed, older]).values['name']).toBe('Old');
  });

  test('that a newer snapshot shows as no longer suspended is not suspended', () => {
    const suspended = account('instantly_activated', 'event_7', { suspended_at: NOW + 10, updated_at: NOW + 10 });
    expect(inEveryOrder(accountAggregate, [instant, suspended]).values['suspended_at']).toBe((NOW + 10) * 1000);
    expect(inEveryOrder(accountAggregate, [instant, suspended, pending]).values['suspended_at']).toBeNull();
  });

  test('has no status in its body: a field of that name does not count', () => {
    expect(
      arrive(accountAggregate, [[account('instantly_activated', 'event_1', { status: 'activated_kyc_pending' })]]).state
        ?.status,
    ).toBe('instantly_activated');
  });
});

test('every published body of an account that we know is applied', () => {
  for (const { file, event, body } of publishedBodies(
    (name) => name === 'account.instantly_activated' || name === 'account.activated_kyc_pending',
  )) {
    const { state, rejected } = arrive(accountAggregate, [[snapshotOf(body, 'event_published')]]);
    const status = event.slice('account.'.length);
    expect([file, rejected.size, state?.status]).toEqual([file, 0, status]);
    expect(state?.values).toMatchObject({
      name: 'Test account',
      activated: true,
      live: true,
      activation_status: status,
      suspended_at: null,
      created_at: 1650949582000,
    });
    expect(state?.values).not.toHaveProperty('account_id');
  }
});
