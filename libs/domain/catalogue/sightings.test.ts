import { eventNames, eventSpec, route, sightedFamily, sightingIn, sightingsIn } from '#catalogue';
import { publishedBodies } from '#kit/published';

const refund = {
  event: 'refund.processed',
  payload: {
    refund: { entity: { id: 'rfnd_1', payment_id: 'pay_1', status: 'processed' } },
    payment: { entity: { id: 'pay_1', status: 'refunded' } },
  },
};

test('the payment of a refund is seen beside it, keyed by its own id', () => {
  expect(sightingsIn(refund, 'refund.processed')).toEqual([
    { part: 'payment', family: 'payments', key: 'pay_1', subject: { id: 'pay_1', status: 'refunded' } },
  ]);
  expect(sightingIn(refund, 'refund.processed', 'order')).toBeUndefined();
});

test.each([
  ['no snapshot', {}],
  ['null', { payment: { entity: null } }],
  ['a list', { payment: [] }],
  ['no id', { payment: { entity: { status: 'captured' } } }],
  ['an id that is none', { payment: { entity: { id: 'two words' } } }],
])('what shows no entity is left out: %s', (_case, payload) => {
  expect(
    sightingsIn({ ...refund, payload: { ...refund.payload, payment: undefined, ...payload } }, 'refund.processed'),
  ).toEqual([]);
});

test('an order has one key, with or without its prefix', () => {
  const keyOf = (id: string) =>
    sightingIn({ payload: { order: { entity: { id } } } }, 'payment_link.paid', 'order')?.key;
  expect(keyOf('IsExuDeiNXzJMS')).toBe('order_IsExuDeiNXzJMS');
  expect(keyOf('order_IsExuDeiNXzJMS')).toBe('order_IsExuDeiNXzJMS');
  expect(keyOf('short')).toBe('short');
});

test('no event sees its own subject beside it', () => {
  for (const event of eventNames) {
    const { family, subject, beside = [] } = eventSpec(event);
    expect(beside).not.toContain(subject);
    expect(beside.map(sightedFamily)).not.toContain(family);
  }
});

test('every published body says all that its event carries: whatever modelled snapshot stands in it is seen', () => {
  for (const { body, file } of publishedBodies()) {
    const routed = route(body);
    if (routed.kind !== 'routed') continue;
    const { subject } = eventSpec(routed.event);
    const shown = (['payment', 'order'] as const).filter((part) => {
      const holder = (body['payload'] as Record<string, { entity?: { id?: unknown } }> | undefined)?.[part];
      return part !== subject && typeof holder?.entity === 'object' && holder.entity.id !== undefined;
    });
    expect([
      file,
      sightingsIn(body, routed.event)
        .map(({ part }) => part)
        .toSorted(),
    ]).toEqual([file, shown.toSorted()]);
  }
});
