import { at, check, EARLIER, LATER } from '#kit/saying';
import type { Expected } from '#kit/saying';
import type { Snapshot } from '#rules';
import { accountAggregate } from './index.ts';

describe('what the name of an event says of an account, and its own snapshot denies, is told', () => {
  const cases: readonly (readonly [string, readonly Snapshot[], Expected])[] = [
    [
      'a suspension counts by its name',
      [at('account.suspended', EARLIER, { suspended_at: null, live: true })],
      {
        status: 'suspended',
        values: { suspended: true, live: false, suspended_at: null },
        facts: ['account.suspended', 'account.contradicted'],
        notes: ['says suspended, its snapshot shows no time of a suspension and the account as live: the name counts'],
      },
    ],
    [
      'a hold of funds counts by the snapshot',
      [at('account.funds_hold', EARLIER, { hold_funds: false })],
      {
        status: 'known',
        values: { hold_funds: false },
        facts: ['account.contradicted'],
        notes: ['says that funds are held, its snapshot shows not held: the snapshot counts'],
      },
    ],
    [
      'the end of a hold, too',
      [at('account.funds_unhold', EARLIER, { hold_funds: true })],
      {
        status: 'known',
        values: { hold_funds: true },
        facts: ['account.funds_held', 'account.contradicted'],
        notes: ['says that funds are not held, its snapshot shows held: the snapshot counts'],
      },
    ],
    [
      'payments that are enabled, of an account that is not live',
      [at('account.payments_enabled', EARLIER, { live: false, suspended_at: null })],
      {
        status: 'known',
        values: { payments_enabled: false, payments_enabled_at: undefined },
        facts: ['account.contradicted'],
        notes: ['says enabled, its snapshot shows the account as suspended or not live'],
      },
    ],
    [
      'a refusal that shows an activation',
      [at('account.rejected', EARLIER, { merchant_detail: { activation_status: 'activated' } })],
      {
        status: 'activated',
        facts: ['account.activated', 'account.contradicted'],
        notes: ['account.rejected says rejected, its snapshot shows activated: the snapshot counts'],
      },
    ],
    [
      'what agrees is no contradiction; a suspension has ended where its time is 0',
      [
        at('account.suspended', EARLIER, { suspended_at: EARLIER, live: false }),
        at('account.funds_hold', LATER, { hold_funds: true, suspended_at: 0, live: true }),
      ],
      {
        status: 'known',
        values: { suspended: false, suspended_at: null, hold_funds: true, live: true },
        facts: ['account.suspended', 'account.unsuspended', 'account.funds_held'],
      },
    ],
    [
      'the word suspended is enough, wherever it stands',
      [at('account.updated', EARLIER, { activation_details: { status: 'Suspended' }, live: true })],
      { status: 'suspended', values: { suspended: true, live: false } },
    ],
  ];
  test.each(cases)('%s', (_name, snapshots, expected) => {
    check(snapshots, expected);
  });

  test('each time under its own event', () => {
    const denied = (second: number) => at('account.funds_hold', second, { hold_funds: false });
    const { apply } = accountAggregate;
    const first = apply(undefined, denied(EARLIER));
    if (first.kind === 'rejected') throw new Error(first.reason);
    const second = apply(first.next, denied(LATER));
    const told = [first, second].flatMap((verdict) => (verdict.kind === 'rejected' ? [] : verdict.facts));
    expect(new Set(told.map(({ occurrence }) => occurrence)).size).toBe(2);
  });
});
