import { arrive, bareSnapshot } from '#kit/arrive';
import { inEveryOrder } from '#kit/orders';
import { publishedBodies, snapshotOf } from '#kit/published';
import { eventId, fromEpochSeconds } from '#rules';
import type { JsonRecord, Snapshot } from '#rules';
import { disputeAggregate } from './index.ts';
import { disputeTransitions } from './transitions.ts';

type DisputeEvent = keyof typeof disputeTransitions.absent;

const at = (
  event: DisputeEvent,
  second: number | null,
  subject: JsonRecord = {},
  payload: JsonRecord = {},
): Snapshot => ({
  ...bareSnapshot(event),
  eventId: eventId(`${event}@${second ?? 'unknown'}`),
  occurredAt: second === null ? null : fromEpochSeconds(1_700_000_000 + second),
  subject,
  payload,
});

const chargeback = { phase: 'chargeback' };
const preArbitration = { phase: 'pre_arbitration' };
const DAY = 86_400;

const created = at('payment.dispute.created', 0, {
  ...chargeback,
  status: 'open',
  amount: 390,
  respond_by: 1_700_500_000,
});
const underReview = at('payment.dispute.under_review', DAY, { ...chargeback, status: 'under_review' });
const actionRequired = at('payment.dispute.action_required', 2 * DAY, {
  ...chargeback,
  status: 'open',
  respond_by: 1_700_900_000,
});
const underReviewAgain = at('payment.dispute.under_review', 3 * DAY, { ...chargeback, status: 'under_review' });
const won = at('payment.dispute.won', 9 * DAY, { ...chargeback, status: 'won', amount_deducted: 0 });
const reopened = at('payment.dispute.created', 30 * DAY, {
  ...preArbitration,
  status: 'open',
  respond_by: 1_703_000_000,
});

/** Kinds and occurrences in order of arrival. */
const factsOf = (snapshots: readonly Snapshot[]): readonly string[] => {
  let state = undefined as ReturnType<typeof arrive>['state'];
  return snapshots.flatMap((snapshot) => {
    const verdict = disputeAggregate.apply(state, snapshot);
    if (verdict.kind === 'rejected') return ['rejected'];
    state = verdict.next;
    return verdict.facts.map(({ kind, occurrence }) => `${kind} ${occurrence}`.trim());
  });
};

test('it is closed when its newest phase has ended, and not by a review', () => {
  const closedAt = (...snapshots: readonly Snapshot[]) => inEveryOrder(disputeAggregate, snapshots).values['closed_at'];
  const lost = at('payment.dispute.lost', 40 * DAY, { ...preArbitration, status: 'lost' });
  const day = (count: number): number => (1_700_000_000 + count * DAY) * 1000;
  expect(closedAt(created, underReview)).toBeUndefined();
  expect(closedAt(created, won, reopened)).toBe(day(9));
  expect(closedAt(created, won, reopened, lost)).toBe(day(40));
});

test('a dispute takes the payment beside it as it comes: in `entity`, or without', () => {
  const paid = { id: 'pay_1', order_id: 'order_1' };
  for (const payment of [{ entity: paid }, paid, { ...paid, entity: 'payment' }]) {
    expect(
      arrive(disputeAggregate, [[at('payment.dispute.created', 0, chargeback, { payment })]]).state?.values,
    ).toMatchObject({ order_id: 'order_1' });
  }
});

describe('the review of a dispute', () => {
  test('under_review → action_required, whose snapshot shows `open`, ends action_required with the newer deadline', () => {
    const state = inEveryOrder(disputeAggregate, [created, underReview, actionRequired]);
    expect(state.status).toBe('action_required');
    expect(state.values).toMatchObject({ respond_by: 1_700_900_000_000, amount_minor: 390, phase: 'chargeback' });
  });

  test('evidence sent again: under review once more, by time and not by rank', () => {
    expect(inEveryOrder(disputeAggregate, [created, underReview, actionRequired, underReviewAgain]).status).toBe(
      'under_review',
    );
  });

  test('without times, or within one second, the row errs towards action_required', () => {
    expect(
      inEveryOrder(disputeAggregate, [
        at('payment.dispute.action_required', null),
        at('payment.dispute.under_review', null),
      ]).status,
    ).toBe('action_required');
    expect(
      inEveryOrder(disputeAggregate, [at('payment.dispute.action_required', 5), at('payment.dispute.under_review', 5)])
        .status,
    ).toBe('action_required');
  });

  test('a second request for action is a fact of its own, also while the first still stands', () => {
    const second = at('payment.dispute.action_required', 4 * DAY, chargeback);
    expect(factsOf([created, actionRequired, second, underReviewAgain])).toEqual([
      'dispute.opened chargeback',
      `dispute.action_required chargeback:${actionRequired.eventId}`,
      `dispute.action_required chargeback:${second.eventId}`,
    ]);
  });

  test('evidence beside the entity, as action_required has it, is read like that inside', () => {
    const evidence = { amount: 130, summary: 'goods delivered', submitted_at: 1_700_000_500 };
    const beside = arrive(disputeAggregate, [
      [at('payment.dispute.action_required', 0, {}, { dispute: { entity: {}, evidence } })],
    ]).state;
    const inside = arrive(disputeAggregate, [[at('payment.dispute.action_required', 0, { evidence })]]).state;
    expect(beside?.values).toMatchObject({ evidence, evidence_submitted_at: 1_700_000_500_000 });
    expect(beside).toEqual(inside);
  });
});

describe('the end of a dispute', () => {
  test.each(['won', 'lost', 'closed'] as const)(
    '%s is not left for a review of the same phase, even a later one',
    (end) => {
      const state = inEveryOrder(disputeAggregate, [
        created,
        at(`payment.dispute.${end}`, DAY, chargeback),
        at('payment.dispute.under_review', 5 * DAY, chargeback),
      ]);
      expect(state.status).toBe(end);
    },
  );

  test('contradicting ends of one phase: the later counts; within one second a decision above closed, lost above won', () => {
    const ended = (...ends: readonly (readonly ['closed' | 'lost' | 'won', number])[]) =>
      inEveryOrder(
        disputeAggregate,
        ends.map(([end, second]) => at(`payment.dispute.${end}`, second, chargeback)),
      ).status;
    expect(ended(['won', 0], ['lost', 5 * DAY])).toBe('lost');
    expect(ended(['lost', 0], ['won', 5 * DAY])).toBe('won');
    expect(ended(['lost', 0], ['won', 1], ['closed', 2])).toBe('closed');
    expect(ended(['closed', 3], ['won', 3])).toBe('won');
    expect(ended(['closed', 3], ['won', 3], ['lost', 3])).toBe('lost');
  });

  test('an end after another end is told, and told again when it comes back', () => {
    const ends = (['won', 'lost', 'won'] as const).map((end, days) =>
      at(`payment.dispute.${end}`, days * DAY, chargeback),
    );
    expect(factsOf(ends)).toEqual([
      'dispute.won chargeback',
      `dispute.lost chargeback:${ends[1]?.eventId}`,
      'dispute.contradicted chargeback:lost and won',
      `dispute.won chargeback:${ends[2]?.eventId}`,
      'dispute.contradicted chargeback:lost and won',
    ]);
  });

  test('a won dispute shows that nothing is deducted, and what was at the onset', () => {
    const onset = at('payment.dispute.created', 0, { ...chargeback, status: 'open', amount_deducted: 390 });
    expect(inEveryOrder(disputeAggregate, [onset, won]).values).toMatchObject({
      amount_deducted_minor: 0,
      amount_deducted_highest_minor: 390,
    });
  });

  test('what was deducted stays shown when a later phase begins at 0', () => {
    const lost = at('payment.dispute.lost', DAY, { ...chargeback, amount_deducted: 390 });
    expect(
      inEveryOrder(disputeAggregate, [
        created,
        lost,
        { ...reopened, subject: { ...reopened.subject, amount_deducted: 0 } },
      ]).values,
    ).toMatchObject({
      amount_deducted_minor: 0,
      amount_deducted_highest_minor: 390,
      phase: 'pre_arbitration',
    });
  });
});

describe('a later phase', () => {
  test('a won chargeback that comes back as pre_arbitration is open again in every order, with the new deadline', () => {
    const state = inEveryOrder(disputeAggregate, [created, underReview, won, reopened]);
    expect(state.status).toBe('open');
    expect(state.values).toMatchObject({
      phase: 'pre_arbitration',
      respond_by: 1_703_000_000_000,
      last_event_id: reopened.eventId,
    });
  });

  test('reopening is a fact, whichever of the end and the new phase arrives first', () => {
    const told = 'dispute.reopened pre_arbitration';
    expect(factsOf([created, won, reopened])).toEqual([
      'dispute.opened chargeback',
      'dispute.won chargeback',
      'dispute.opened pre_arbitration',
      told,
    ]);
    expect(factsOf([created, reopened, won])).toEqual([
      'dispute.opened chargeback',
      'dispute.opened pre_arbitration',
      told,
    ]);
  });

  test('events of a phase that is over move nothing', () => {
    expect(
      inEveryOrder(disputeAggregate, [reopened, won, at('payment.dispute.lost', 99 * DAY, { phase: 'fraud' })]).status,
    ).toBe('open');
  });
});

describe('snapshots without a phase', () => {
  test('an end without a phase ends the phase that is known', () => {
    const bare = at('payment.dispute.lost', null);
    const state = inEveryOrder(disputeAggregate, [created, underReview, bare]);
    expect(state.status).toBe('lost');
    expect(state.values).toMatchObject({ last_event_id: bare.eventId, last_event_at: null, phase: 'chargeback' });
  });

  test('a whole dispute without phases goes its way', () => {
    const bare = (['created', 'under_review', 'action_required', 'won'] as const).map((name, second) =>
      at(`payment.dispute.${name}`, second),
    );
    expect(inEveryOrder(disputeAggregate, bare).status).toBe('won');
  });

  test('an end without a phase that is older than the pre-arbitration belongs to the phase before; a newer one ends it', () => {
    const looseWin = at('payment.dispute.won', 9 * DAY);
    expect(inEveryOrder(disputeAggregate, [created, looseWin, reopened]).status).toBe('open');
    expect(
      inEveryOrder(disputeAggregate, [
        created,
        looseWin,
        reopened,
        at('payment.dispute.lost', 60 * DAY, preArbitration),
      ]).status,
    ).toBe('lost');
    expect(inEveryOrder(disputeAggregate, [created, reopened, at('payment.dispute.won', 60 * DAY)]).status).toBe('won');
  });

  test('a phase that Razorpay invents later counts as none, and is shown as it is', () => {
    const state = inEveryOrder(disputeAggregate, [
      at('payment.dispute.created', 0, { phase: 'good_faith' }),
      at('payment.dispute.won', 5, { phase: 'good_faith' }),
    ]);
    expect([state.status, state.values['phase']]).toEqual(['won', 'good_faith']);
  });
});

test('every published body of a dispute is applied', () => {
  const expected = {
    created: 'open',
    under_review: 'under_review',
    action_required: 'action_required',
    closed: 'closed',
    lost: 'lost',
    won: 'won',
  };
  for (const { file, event, body } of publishedBodies((name) => Object.hasOwn(disputeTransitions.absent, name))) {
    const { state } = arrive(disputeAggregate, [[snapshotOf(body, file)]]);
    expect([file, state?.status]).toEqual([
      file,
      Object.entries(expected).find(([name]) => event.endsWith(`.${name}`))?.[1],
    ]);
    expect([file, state?.values]).toEqual([
      file,
      expect.objectContaining({
        payment_id: expect.stringMatching(/^pay_/),
        respond_by: 1_590_431_400_000,
        evidence: expect.anything(),
      }),
    ]);
  }
});
