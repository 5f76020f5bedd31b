import { eventSpec, isEventName } from '#catalogue';
import type { EventIn } from '#catalogue';
import { arrive } from '#kit/arrive';
import { inEveryOrder } from '#kit/orders';
import { publishedBodies, snapshotOf } from '#kit/published';
import type { EntityState, JsonRecord, Snapshot } from '#rules';
import { accountAggregate } from './index.ts';

const NOW = 1_650_949_704;

const account = (
  name: EventIn<'accounts'> extends `account.${infer Name}` ? Name : never,
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

describe('the lanes of an account', () => {
  const active = account(
    'activated',
    'event_3',
    {
      live: true,
      hold_funds: false,
      suspended_at: null,
      updated_at: NOW + 10,
      merchant_detail: { activation_status: 'activated' },
    },
    NOW + 10,
  );
  const suspension = account(
    'suspended',
    'event_4',
    { live: true, hold_funds: true, suspended_at: null, updated_at: NOW + 20 },
    NOW + 20,
  );

  test('a suspension by name alone is one, whatever the snapshot shows; the activation stays what it was', () => {
    expect(inEveryOrder(accountAggregate, [active, suspension, instant])).toMatchObject({
      status: 'suspended',
      values: { suspended: true, live: false, payments_enabled: false, activation_status: 'activated' },
    });
  });

  test('a newer body that says nothing of suspension lifts none, and makes nothing live', () => {
    const details = account(
      'updated',
      'event_5',
      { live: true, activation_details: { status: 'activated' } },
      NOW + 90,
    );
    expect(inEveryOrder(accountAggregate, [active, suspension, details])).toMatchObject({
      status: 'suspended',
      values: { suspended: true, live: false, last_update_id: 'event_5' },
    });
  });

  test('a newer snapshot that shows none ends it; holds and releases of its funds follow their own times', () => {
    const free = account('funds_unhold', 'event_6', { live: true, suspended_at: null, updated_at: NOW + 30 }, NOW + 30);
    const hold = account('funds_hold', 'event_7', { suspended_at: null, updated_at: NOW + 5 }, NOW + 5);
    expect(inEveryOrder(accountAggregate, [active, suspension, free, hold])).toMatchObject({
      status: 'activated',
      values: { suspended: false, live: true, hold_funds: false },
    });
  });

  test('within one second the suspension counts', () => {
    const same = account('funds_unhold', 'event_9', { live: true, suspended_at: null, updated_at: NOW + 20 }, NOW + 20);
    expect(inEveryOrder(accountAggregate, [suspension, same]).status).toBe('suspended');
  });

  test('a word that we do not know is kept as it is and leads nowhere', () => {
    const odd = account(
      'under_review',
      'event_8',
      { updated_at: NOW + 40, merchant_detail: { activation_status: 'on_ice' } },
      NOW + 40,
    );
    expect(inEveryOrder(accountAggregate, [active, odd])).toMatchObject({
      status: 'activated',
      values: { activation_status: 'on_ice' },
    });
  });

  test('each step is told under its own event, a suspension and its end as well, and what becomes of the funds', () => {
    const free = account(
      'activated',
      'event_6',
      { live: true, hold_funds: false, suspended_at: null, updated_at: NOW + 30 },
      NOW + 30,
    );
    const enabled = account('payments_enabled', 'event_2', { live: true, suspended_at: null, updated_at: NOW + 5 });
    let state: EntityState | undefined;
    const told = [instant, enabled, active, active, suspension, free].map((snapshot) => {
      const verdict = accountAggregate.apply(state, snapshot);
      if (verdict.kind === 'rejected') throw new Error(verdict.reason);
      state = verdict.next;
      return verdict.facts.map(({ kind, occurrence }) => `${kind} ${occurrence}`);
    });
    expect(told).toEqual([
      ['account.instantly_activated event_1', 'account.funds_held event_1'],
      ['account.payments_enabled event_2'],
      ['account.activated event_3', 'account.funds_released event_3'],
      [],
      // Its snapshot has `live: true`.
      ['account.suspended event_4', 'account.funds_held event_4', 'account.contradicted suspension:event_4'],
      [
        'account.activated event_6',
        'account.unsuspended event_6',
        'account.payments_enabled event_6',
        'account.funds_released event_6',
      ],
    ]);
  });
});

/** What each published body says of an account, read by hand. */
const PUBLISHED: Readonly<Record<string, JsonRecord>> = {
  'account.instantly_activated': { status: 'instantly_activated', live: true, hold_funds: true, suspended: false },
  'account.activated_kyc_pending': { status: 'activated_kyc_pending', live: true, hold_funds: false, suspended: false },
  'account.activated': { status: 'activated', live: true, hold_funds: false, suspended: false },
  'account.under_review': { status: 'under_review', live: true, hold_funds: true, suspended: false },
  'account.needs_clarification': {
    status: 'needs_clarification',
    live: true,
    hold_funds: true,
    suspended: false,
    clarification_mode: 'email',
  },
  'account.rejected': { status: 'rejected', live: true, hold_funds: true, suspended: false },
  'account.suspended': {
    status: 'suspended',
    live: false,
    hold_funds: true,
    suspended: true,
    suspended_at: 1624781176000,
  },
  'account.payments_enabled': { status: 'instantly_activated', live: true, payments_enabled: true, hold_funds: false },
  'account.funds_hold': { status: 'instantly_activated', live: true, hold_funds: true, suspended: false },
  'account.funds_unhold': { status: 'activated', live: true, hold_funds: false, suspended: false },
};

test('every published body of an account is applied, and says what it shows', () => {
  for (const { file, event, body } of publishedBodies(
    (name) => isEventName(name) && eventSpec(name).family === 'accounts',
  )) {
    const { state, rejected } = arrive(accountAggregate, [[snapshotOf(body, 'event_published')]]);
    expect([file, rejected.size]).toEqual([file, 0]);
    expect(state?.values).not.toHaveProperty('account_id');
    const wanted = PUBLISHED[event] ?? {
      status: file.includes('failed') ? 'verification_failed' : 'activated',
      verification_error: file.includes('failed') ? 'KC03: INVALID BENEFICIARY ACCOUNT / IFSC' : null,
    };
    expect({ file, status: state?.status, ...state?.values }).toMatchObject({ file, ...wanted });
  }
});
