import fc from 'fast-check';
import { publishedBodies } from '#kit/published';
import type { JsonRecord } from '#rules';
import { eventNames, events, eventSpec, isEventName, isModelled } from './events.ts';
import type { EventName } from './events.ts';
import type { Family } from './families.ts';
import { accountIdOf, contentOf, entityIn, occurredAtOf, quarantineReasons, route, subjectOf } from './route.ts';

/** Where each family's entity id lies in a body, written out by hand: the catalogue must agree. */
const keyPaths: Readonly<Record<Exclude<Family, 'kept'>, readonly string[]>> = {
  payments: ['payment', 'entity', 'id'],
  orders: ['order', 'entity', 'id'],
  downtimes: ['payment.downtime', 'entity', 'id'],
  disputes: ['dispute', 'entity', 'id'],
  refunds: ['refund', 'entity', 'id'],
  accounts: ['account', 'entity', 'id'],
  fund_accounts: ['fund_account.validation', 'entity', 'id'],
  payment_links: ['payment_link', 'entity', 'id'],
  invoices: ['invoice', 'entity', 'id'],
};
const notificationKeyPath = ['notification', 'entity', 'order_id'];

const at = (value: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((here, key) => (here as JsonRecord)[key], value);
/** Of a kept event the id of its subject, or the account where it is about that. */
const keptKeyIn = (body: JsonRecord, event: EventName): unknown => {
  const { subject, shape } = eventSpec(event);
  return shape === 'account'
    ? `${accountIdOf(body)}/${subject}`
    : String((entityIn(body['payload'], subject) as JsonRecord)['id']).replace(
        subject === 'account' ? /^acc_/ : /^$/,
        '',
      );
};
const keyIn = (body: JsonRecord, event: EventName): unknown => {
  const { family } = events[event];
  if (family === 'kept') return keptKeyIn(body, event);
  const id = at(body['payload'], event.startsWith('order.notification.') ? notificationKeyPath : keyPaths[family]);
  // The published bodies of account.updated have ids with acc_, all others of accounts bare ones.
  return event === 'account.updated' ? String(id).replace(/^acc_/, '') : id;
};

/** A body as Razorpay sends it, reduced to what routing reads. */
const bodyOf = (event: EventName, entity: unknown): JsonRecord => ({
  entity: 'event',
  event,
  payload: { [eventSpec(event).subject]: { entity } },
});

describe('published bodies', () => {
  test('every body of an event we know is routed to it, with its entity id; none is quarantined', () => {
    for (const { file, event, body } of publishedBodies()) {
      if (!isEventName(event)) throw new Error(`${file}: the catalogue has no row for ${event}`);
      // One sample is Razorpay's internal wrapper, with the body at
      // `.event.payload` (docs/reference/razorpay.md "Envelope").
      const content = contentOf(body) as JsonRecord;
      expect([file, route(body)]).toEqual([
        file,
        { kind: 'routed', event, family: events[event].family, key: keyIn(content, event) },
      ]);
    }
  });

  test('every event that has a rule has at least one, where there are any', () => {
    const seen = new Set(publishedBodies(isEventName).map(({ event }) => event));
    expect(eventNames.filter((event) => seen.size > 0 && isModelled(event) && !seen.has(event))).toEqual([]);
  });
});

describe('known oddities of bodies', () => {
  test('payload keys with dots', () => {
    const downtime = {
      event: 'payment.downtime.started',
      payload: { 'payment.downtime': { entity: { id: 'down_1Aa00000000001' } } },
    };
    expect(route(downtime)).toMatchObject({ family: 'downtimes', key: 'down_1Aa00000000001' });
    const validation = {
      event: 'fund_account.validation.failed',
      payload: { 'fund_account.validation': { entity: { id: 'fav_1Aa00000000001' } } },
    };
    expect(route(validation)).toMatchObject({ family: 'fund_accounts', key: 'fav_1Aa00000000001' });
    expect(
      route({ ...downtime, payload: { payment: { downtime: { entity: { id: 'down_1Aa00000000001' } } } } }),
    ).toMatchObject({ reason: 'no-subject' });
  });

  test.each([
    ['order.paid', 'order', 'order_1Aa00000000001'],
    ['invoice.paid', 'invoice', 'inv_1Aa00000000001'],
    ['payment.dispute.created', 'dispute', 'disp_1Aa00000000001'],
  ] as const)('%s lists the payment first and is about the %s', (event, subject, id) => {
    const body = {
      event,
      contains: ['payment', subject],
      payload: { payment: { entity: { id: 'pay_1Aa00000000001' } }, [subject]: { entity: { id } } },
    };
    expect(route(body)).toMatchObject({ kind: 'routed', key: id });
    expect(subjectOf(body, event)).toEqual({ id });
  });

  test('`contains` is not needed and not believed', () => {
    const body = bodyOf('payment.captured', { id: 'pay_1Aa00000000001' });
    for (const contains of [undefined, [], ['order'], 'payment', null])
      expect(route({ ...body, contains })).toMatchObject({ key: 'pay_1Aa00000000001' });
  });

  test.each([[[]], [{}], [null], [{ a: 1 }]])('notes %j do not matter', (notes) => {
    expect(route(bodyOf('payment.captured', { id: 'pay_1Aa00000000001', notes }))).toMatchObject({ kind: 'routed' });
  });

  test('an account is one key, bare or with its prefix', () => {
    for (const id of ['JNraR8O85H1atC', 'acc_JNraR8O85H1atC']) {
      expect(route(bodyOf('account.instantly_activated', { id }))).toMatchObject({ key: 'JNraR8O85H1atC' });
    }
    expect(route(bodyOf('account.instantly_activated', { id: 'acc_' }))).toMatchObject({ reason: 'no-entity-id' });
  });

  test('a bare id of another kind stays as it is', () => {
    expect(route(bodyOf('order.paid', { id: 'QaIpw7Vl1y4z8r' }))).toMatchObject({ key: 'QaIpw7Vl1y4z8r' });
  });

  test('an id that is a number is its decimal text', () => {
    expect(route(bodyOf('payment.captured', { id: 12345 }))).toMatchObject({ key: '12345' });
  });

  test.each([undefined, null, '', ' ', 'pay_1 2', 'pay_\n', 'é', true, {}, [], ['pay_1'], 'x'.repeat(129)])(
    '%j is no usable id',
    (id) => {
      expect(route(bodyOf('payment.captured', { id }))).toEqual({
        kind: 'quarantined',
        reason: 'no-entity-id',
        event: 'payment.captured',
      });
    },
  );

  test('a payload without `.entity` holds the entity itself', () => {
    const body = { event: 'payment.captured', payload: { payment: { id: 'pay_1Aa00000000001', entity: 'payment' } } };
    expect(route(body)).toMatchObject({ key: 'pay_1Aa00000000001' });
    expect(subjectOf(body, 'payment.captured')).toEqual({ id: 'pay_1Aa00000000001', entity: 'payment' });
    expect(route({ ...body, payload: { payment: { id: 'pay_1Aa00000000001' } } })).toMatchObject({
      key: 'pay_1Aa00000000001',
    });
  });

  test.each([null, [], 7, false])('an `.entity` that is %j is no entity', (entity) => {
    expect(entityIn({ payment: { id: 'pay_1Aa00000000001', entity } }, 'payment')).toBeUndefined();
    expect(route(bodyOf('payment.captured', entity))).toMatchObject({ reason: 'no-subject' });
  });

  test.each([undefined, null, [], {}, 'payment', { payment: null }, { order: { entity: { id: 'order_1' } } }])(
    'payload %j has no subject',
    (payload) => {
      expect(route({ event: 'payment.captured', payload })).toEqual({
        kind: 'quarantined',
        reason: 'no-subject',
        event: 'payment.captured',
      });
    },
  );

  test.each([
    undefined,
    null,
    true,
    'text',
    7,
    [],
    ['event'],
    {},
    { event: null },
    { event: 7 },
    { event: '' },
    { event: ['payment.captured'] },
  ])('%j has an odd shape', (body) => {
    expect(route(body)).toEqual({ kind: 'quarantined', reason: 'odd-shape', event: null });
  });

  test("Razorpay's internal wrapper, with the body inside `event`, is read as what it wraps", () => {
    const inner = bodyOf('payment.captured', { id: 'pay_1Aa00000000001' });
    expect(
      route({ event: { name: 'payment.captured', id: 'RNR8hMNdcxoOdE', service: 'api-live', payload: inner } }),
    ).toMatchObject({ kind: 'routed', key: 'pay_1Aa00000000001' });
    expect(route({ event: { name: 'payment.captured', payload: {} } })).toMatchObject({ reason: 'odd-shape' });
  });

  test('an event about an account is keyed by that account and what is said of it', () => {
    const body = { event: 'account.app.authorization_revoked', account_id: 'acc_Dhk2qDbmu6FwZH', contains: [] };
    expect(route(body)).toMatchObject({ family: 'kept', key: 'acc_Dhk2qDbmu6FwZH/authorization' });
    expect(route({ ...body, account_id: null })).toMatchObject({ reason: 'no-entity-id' });
  });

  test('of an event without a published body the first entity with an id is the subject', () => {
    const payload = { courier: { entity: {} }, order: { entity: { id: 'order_1Aa00000000001' } } };
    expect(route({ event: 'fulfillment.delivered', payload })).toMatchObject({ key: 'order_1Aa00000000001' });
    expect(route({ event: 'fulfillment.delivered', payload: {} })).toMatchObject({ reason: 'no-subject' });
  });

  test.each([
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'Payment.captured',
    'payment.captured ',
    'payment_link.created',
  ])('%s is an unknown event', (event) => {
    expect(route({ event, payload: {} })).toEqual({ kind: 'quarantined', reason: 'unknown-event', event });
  });

  test('what a body inherits is not in it', () => {
    const heir = (own: object, inherited: object): unknown => Object.assign(Object.create(inherited) as object, own);
    const body = bodyOf('payment.captured', { id: 'pay_1Aa00000000001' });
    expect(route(heir({ payload: body['payload'] }, { event: 'payment.captured' }))).toMatchObject({
      reason: 'odd-shape',
    });
    expect(route(heir({ event: 'payment.captured' }, { payload: body['payload'] }))).toMatchObject({
      reason: 'no-subject',
    });
    expect(route(bodyOf('payment.captured', heir({}, { id: 'pay_1Aa00000000001' })))).toMatchObject({
      reason: 'no-entity-id',
    });
  });

  test('the name of an unknown event is kept up to 128 characters, never cut inside one', () => {
    const routing = route({ event: `${'x'.repeat(127)}😀 and more` });
    expect(routing).toEqual({ kind: 'quarantined', reason: 'unknown-event', event: `${'x'.repeat(127)}\ufffd` });
  });
});

describe('time and account of a body', () => {
  test.each([
    ['epoch seconds', { created_at: 1595456636 }, 1595456636000],
    ['a numeric string', { created_at: '1595456636' }, 1595456636000],
    ['the time inside payload, as in order.notification.*', { payload: { created_at: 1595456636 } }, 1595456636000],
    [
      'its own before the one inside payload',
      { created_at: 1595456636, payload: { created_at: 1595456637 } },
      1595456636000,
    ],
    [
      'the one inside payload when its own is unusable',
      { created_at: 0, payload: { created_at: 1595456637 } },
      1595456637000,
    ],
    ['nothing', {}, null],
    ['0 for unset', { created_at: 0 }, null],
    ['a date that cannot be', { created_at: 1e15 }, null],
    ['a fraction', { created_at: 1595456636.5 }, null],
    ['null', { created_at: null, payload: null }, null],
  ])('time: %s', (_name, body, expected) => {
    expect(occurredAtOf(body)).toBe(expected);
  });

  test.each([
    ['text', { account_id: 'acc_BFQ7uQEaa7j2z7' }, 'acc_BFQ7uQEaa7j2z7'],
    ['nothing', {}, null],
    ['null', { account_id: null }, null],
    ['an object', { account_id: {} }, null],
    ['empty text', { account_id: '' }, null],
    ['a text cut inside a character', { account_id: `${'x'.repeat(127)}😀` }, `${'x'.repeat(127)}\ufffd`],
  ])('account: %s', (_name, body, expected) => {
    expect(accountIdOf(body)).toBe(expected);
  });

  test('neither is read from what is no record', () => {
    for (const body of [undefined, null, 'text', 7, [{ created_at: 1595456636, account_id: 'acc_1' }]]) {
      expect([occurredAtOf(body), accountIdOf(body)]).toEqual([null, null]);
    }
  });
});

describe('any JSON', () => {
  const oddKeys = [
    '__proto__',
    'constructor',
    'toString',
    'entity',
    'id',
    'order_id',
    'event',
    'payload',
    'created_at',
    'account_id',
  ];
  const key = fc.constantFrom(...oddKeys, ...eventNames.map((event) => eventSpec(event).subject));
  const leaf = fc.oneof(
    fc.constantFrom('pay_1Aa00000000001', 'acc_', '\u0000', '\ud800', 0, -0, Infinity, 1595456636),
    fc.jsonValue({ maxDepth: 2 }),
  );
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof({ maxDepth: 5 }, leaf, fc.dictionary(key, tie('tree'), { maxKeys: 5 })),
  }));
  const entity = fc.dictionary(key, leaf, { maxKeys: 5 });
  const known = fc.constantFrom(...eventNames).chain((event) =>
    fc.record({
      event: fc.constant(event),
      payload: fc
        .oneof(
          entity,
          entity.map((held) => ({ entity: held })),
          tree,
        )
        .map((holder) => ({ [eventSpec(event).subject]: holder })),
    }),
  );
  const envelope = fc.record(
    {
      event: fc.oneof(fc.constantFrom(...eventNames, ...oddKeys), leaf),
      payload: tree,
      account_id: leaf,
      created_at: leaf,
    },
    { requiredKeys: [] },
  );

  test('is routed to a usable key or quarantined with a reason, and nothing throws', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.oneof(known, envelope, tree, fc.jsonValue()), (value) => {
        // Through text, so that `__proto__` is a key like any other, as in a body that was parsed.
        const body: unknown = JSON.parse(JSON.stringify(value));
        const routing = route(body);
        seen.add(routing.kind);
        if (routing.kind === 'routed') {
          expect(routing.key).toMatch(/^[\x21-\x7e]{1,128}$/);
          expect(routing.family).toBe(events[routing.event].family);
          expect(subjectOf(body as JsonRecord, routing.event)).toBeDefined();
        } else {
          expect(quarantineReasons).toContain(routing.reason);
          expect(routing.event?.isWellFormed() ?? true).toBe(true);
        }
        const [time, account] = [occurredAtOf(body), accountIdOf(body)];
        expect(time === null || Number.isSafeInteger(time)).toBe(true);
        expect(account === null || (account.isWellFormed() && account.length <= 128)).toBe(true);
      }),
      { numRuns: 3000, examples: [[{ event: 'payment.failed', payload: { payment: { id: 'pay_1Aa00000000001' } } }]] },
    );
    expect([...seen].sort()).toEqual(['quarantined', 'routed']);
  });

  test('every event with any subject that has an id is routed', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...eventNames.filter((event) => eventSpec(event).shape === undefined)),
        fc.dictionary(key, leaf),
        (event, subject) => {
          const { keyField } = eventSpec(event);
          const body: unknown = JSON.parse(
            JSON.stringify(bodyOf(event, { ...subject, [keyField]: 'pay_1Aa00000000001' })),
          );
          expect(route(body)).toEqual({
            kind: 'routed',
            event,
            family: events[event].family,
            key: 'pay_1Aa00000000001',
          });
        },
      ),
    );
  });
});
