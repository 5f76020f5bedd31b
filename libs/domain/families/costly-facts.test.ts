import { eventSpec } from '#catalogue';
import type { EventName } from '#catalogue';
import { bareSnapshot } from '#kit/arrive';
import { eventId, fromEpochSeconds } from '#rules';
import type { EntityState, JsonRecord, Snapshot } from '#rules';
import { aggregateOf } from './aggregates.ts';

const at = (event: EventName, second: number, subject: JsonRecord): Snapshot => ({
  ...bareSnapshot(event),
  eventId: eventId(`${event}@${second}`),
  occurredAt: fromEpochSeconds(1_700_000_000 + second),
  receivedAt: fromEpochSeconds(1_700_090_000),
  subject,
});

/** Kinds of the facts told, event by event. */
const toldBy = (snapshots: readonly Snapshot[]): readonly (readonly string[])[] => {
  const aggregate = aggregateOf(eventSpec(snapshots[0]?.event as EventName).family);
  let state: EntityState | undefined;
  return snapshots.map((snapshot) => {
    const verdict = aggregate.apply(state, snapshot);
    if (verdict.kind === 'rejected') throw new Error(verdict.reason);
    state = verdict.next;
    return verdict.facts.map(({ kind }) => kind);
  });
};

const created = 'payment.dispute.created';
const [MONDAY, FRIDAY] = [1_700_300_000, 1_700_600_000];

test.each<[string, readonly Snapshot[], readonly (readonly string[])[]]>([
  [
    'a deadline that is moved, also to an earlier day, is told without a change of status; the same one again is not',
    [
      at(created, 0, { status: 'open', phase: 'chargeback', respond_by: FRIDAY }),
      at('payment.dispute.under_review', 1, { status: 'under_review', phase: 'chargeback', respond_by: FRIDAY }),
      at('payment.dispute.under_review', 2, { status: 'under_review', phase: 'chargeback', respond_by: MONDAY }),
      at('payment.dispute.under_review', 3, { status: 'under_review', phase: 'chargeback', respond_by: MONDAY }),
    ],
    [['dispute.opened'], ['dispute.under_review'], ['dispute.deadline_changed'], []],
  ],
  [
    'the deadline of an ended dispute, and that of a new phase, are no news of their own',
    [
      at(created, 0, { status: 'open', phase: 'chargeback', respond_by: MONDAY }),
      at('payment.dispute.won', 1, { status: 'won', phase: 'chargeback', respond_by: FRIDAY }),
      at(created, 2, { status: 'open', phase: 'pre_arbitration', respond_by: FRIDAY + 1 }),
    ],
    [['dispute.opened'], ['dispute.won'], ['dispute.opened', 'dispute.reopened']],
  ],
  [
    'a downtime that becomes worse; one that becomes milder is only updated',
    [
      at('payment.downtime.started', 0, { severity: 'low' }),
      at('payment.downtime.updated', 1, { status: 'updated', severity: 'HIGH' }),
      at('payment.downtime.updated', 2, { status: 'updated', severity: 'medium' }),
    ],
    [['downtime.started'], ['downtime.updated', 'downtime.escalated'], ['downtime.updated']],
  ],
  [
    'an instant refund that becomes a normal one, once',
    [
      at('refund.created', 0, { status: 'pending' }),
      at('refund.speed_changed', 1, { status: 'pending' }),
      at('refund.speed_changed', 2, { status: 'pending' }),
    ],
    [['refund.pending'], ['refund.speed_changed'], []],
  ],
  [
    'a completed check of an account that is none',
    [at('fund_account.validation.completed', 0, { status: 'completed', results: { account_status: 'Invalid' } })],
    [['fund_account.validation.completed', 'fund_account.validation.invalid']],
  ],
  [
    'a completed check of a good account',
    [at('fund_account.validation.completed', 0, { status: 'completed', results: { account_status: 'active' } })],
    [['fund_account.validation.completed']],
  ],
  [
    'a payment that is authorised after it failed, without any flag',
    [at('payment.failed', 0, { status: 'failed' }), at('payment.authorized', 1, { status: 'authorized' })],
    [['payment.failed'], ['payment.authorized', 'payment.late_authorized']],
  ],
  [
    'the same, and the failure comes to light afterwards',
    [at('payment.authorized', 1, { status: 'authorized' }), at('payment.failed', 0, { status: 'failed' })],
    [['payment.authorized'], ['payment.late_authorized']],
  ],
  [
    'a payment that is captured is not late any more',
    [at('payment.captured', 1, { status: 'captured' }), at('payment.failed', 0, { status: 'failed' })],
    [['payment.captured'], []],
  ],
  [
    'more went back than was paid',
    [
      at('payment.captured', 0, { status: 'captured', amount: 100, amount_refunded: 100 }),
      at('payment.captured', 1, { status: 'captured', amount: 100, amount_refunded: 101 }),
    ],
    [['payment.captured'], ['payment.over_refunded']],
  ],
])('%s', (_case, snapshots, told) => {
  expect(toldBy(snapshots)).toEqual(told);
});

test('a deadline that is moved there and back, and there again, is told each time: no two of these facts are one', () => {
  const aggregate = aggregateOf('disputes');
  const moved = [FRIDAY, MONDAY, FRIDAY, MONDAY, MONDAY].map((day, second) =>
    at(second === 0 ? created : 'payment.dispute.under_review', second, {
      status: second === 0 ? 'open' : 'under_review',
      phase: 'chargeback',
      respond_by: second === 1 ? FRIDAY : day,
    }),
  );
  const again = at('payment.dispute.under_review', 9, {
    status: 'under_review',
    phase: 'chargeback',
    respond_by: MONDAY,
  });
  const back = at('payment.dispute.under_review', 8, {
    status: 'under_review',
    phase: 'chargeback',
    respond_by: FRIDAY,
  });
  let state: EntityState | undefined;
  const told: string[] = [];
  for (const snapshot of [...moved, back, again, again]) {
    const verdict = aggregate.apply(state, snapshot);
    if (verdict.kind === 'rejected') throw new Error(verdict.reason);
    state = verdict.next;
    told.push(
      ...verdict.facts.filter(({ kind }) => kind === 'dispute.deadline_changed').map(({ occurrence }) => occurrence),
    );
  }
  expect(told.map((occurrence) => Number(occurrence.split(':')[0]) / 1000)).toEqual([MONDAY, FRIDAY, MONDAY]);
  expect(new Set(told).size).toBe(3);
});
