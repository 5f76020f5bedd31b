import { eventSpec, isEventName, isModelled } from '#catalogue';
import type { EventName } from '#catalogue';
import { arrive } from '#kit/arrive';
import { inEveryOrder } from '#kit/orders';
import { publishedBodies, snapshotOf } from '#kit/published';
import type { JsonRecord, Snapshot } from '#rules';
import { keptAggregate } from './index.ts';

const NOW = 1_763_021_990;
const isKept = (event: string): event is EventName => isEventName(event) && !isModelled(event);

const told = (
  event: EventName,
  id: string,
  entity: JsonRecord,
  createdAt: number | null,
  more: JsonRecord = {},
): Snapshot =>
  snapshotOf(
    {
      event,
      account_id: 'acc_PR7UDve9UNcOxW',
      created_at: createdAt,
      payload: { ...more, [eventSpec(event).subject]: { entity: { id: 'x_1Aa00000000001', ...entity } } },
    },
    id,
  );
const valuesOf = (snapshot: Snapshot) => arrive(keptAggregate, [[snapshot]]).state?.values;

describe('what a kept event says', () => {
  test('a settlement: amount, status in its own word, UTR, times and the whole entity', () => {
    const entity = { amount: 1524, status: 'processed', fees: 0, utr: 'AXISCN1153863727', created_at: NOW - 2901 };
    const { state } = arrive(keptAggregate, [[told('settlement.processed', 'event_1', entity, NOW)]]);
    expect(state?.status).toBe('kept');
    expect(state?.values).toMatchObject({
      kind: 'settlement',
      event: 'settlement.processed',
      provider_status: 'processed',
      amount_minor: 1524,
      reference: 'AXISCN1153863727',
      account_id: 'acc_PR7UDve9UNcOxW',
      created_at: (NOW - 2901) * 1000,
      last_event_at: NOW * 1000,
      snapshot: { id: 'x_1Aa00000000001', ...entity },
    });
  });

  test('the newest by its own time counts, whichever comes first; each event is told once', () => {
    const queued = told('payout.queued', 'event_9', { status: 'queued', utr: null, reference_id: 'mine' }, NOW);
    const done = told('payout.processed', 'event_2', { status: 'processed', utr: '123' }, NOW + 5);
    const older = told('payout.updated', 'event_5', { status: 'processing', updated_at: NOW + 1 }, NOW + 60);
    expect(inEveryOrder(keptAggregate, [queued, done, older]).values).toMatchObject({
      event: 'payout.processed',
      provider_status: 'processed',
      reference: '123',
      last_event_id: 'event_2',
    });
    const { apply } = keptAggregate;
    const facts = [queued, done, done].flatMap((snapshot) => {
      const verdict = apply(undefined, snapshot);
      return verdict.kind === 'kept' ? verdict.facts : [];
    });
    expect(facts).toEqual([
      { kind: 'event.kept', occurrence: 'payout.queued:event_9' },
      { kind: 'event.kept', occurrence: 'payout.processed:event_2' },
      { kind: 'event.kept', occurrence: 'payout.processed:event_2' },
    ]);
  });

  test.each([
    [
      'subscription.charged',
      {},
      { payment: { entity: { id: 'pay_1', order_id: 'order_1' } } },
      { payment_id: 'pay_1', order_id: 'order_1' },
    ],
    [
      'subscription.charged',
      { plan_id: 'plan_1', customer_id: 'cust_1' },
      {},
      { reference: 'plan_1', customer_id: 'cust_1' },
    ],
    ['transfer.processed', { source: 'pay_1' }, {}, { payment_id: 'pay_1' }],
    ['transfer.processed', { source: 'order_1' }, {}, { order_id: 'order_1' }],
    ['payout.processed', { reference_id: 'mine' }, {}, { reference: 'mine' }],
    ['transaction.created', { source: { id: 'pout_1' } }, {}, { reference: 'pout_1' }],
    ['payout.processed', { payment_id: 'none' }, {}, {}],
  ] as const)('%s with %j beside %j is linked', (event, entity, beside, links) => {
    const { payment_id, order_id, customer_id, reference } =
      valuesOf(told(event, 'event_1', entity, NOW, beside)) ?? {};
    expect({ payment_id, order_id, customer_id, reference }).toEqual({
      payment_id: undefined,
      order_id: undefined,
      customer_id: undefined,
      reference: undefined,
      ...links,
    });
  });
});

test('every published body of a kept event is kept, with its kind and its event', () => {
  for (const { file, event, body } of publishedBodies(isKept)) {
    const { state } = arrive(keptAggregate, [[snapshotOf(body, 'event_published')]]);
    const kind = isKept(event) ? eventSpec(event).subject : undefined;
    expect([file, state?.values['event'], state?.values['kind']]).toEqual([file, event, kind]);
    // One says nothing beside its name and the account.
    const isBare = event === 'account.app.authorization_revoked';
    expect([file, state?.values['snapshot'] === undefined]).toEqual([file, isBare]);
  }
});
