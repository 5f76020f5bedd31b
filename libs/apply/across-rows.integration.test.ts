import { toEnvelopes } from '#envelope';
import { allAggregates } from '#families';
import { instant, parsed } from '#rules';
import { openTestStore, testEvent, TODAY_S } from '../../test/kit/test-store.ts';
import type { TestStore } from '../../test/kit/test-store.ts';

/** The machine may be busy with others. */
jest.setTimeout(60_000);

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore('payments', allAggregates);
});
afterAll(async () => store.close());

const captured = (order: string, name: string, amount: number, second = 0) =>
  testEvent(
    'payment.captured',
    `ev_${order}_${name}`,
    `pay_${order}_${name}`,
    { status: 'captured', captured: true, amount, currency: 'INR', order_id: order, created_at: TODAY_S + second },
    TODAY_S + second,
  );
const paid = (order: string, amount: number, amountPaid = amount, more: Readonly<Record<string, unknown>> = {}) =>
  testEvent('order.paid', `ev_${order}`, order, {
    status: 'paid',
    amount,
    amount_paid: amountPaid,
    currency: 'INR',
    ...more,
  });
/** An order that somebody made with this receipt, so many seconds after another. */
const ofReceipt = (order: string, receipt: string, second = 0, amount = 700) =>
  paid(order, amount, amount, { receipt, created_at: TODAY_S - 600 + second });
const refunded = (order: string, name: string, amount: number) =>
  testEvent(
    'payment.captured',
    `ev_${order}_${name}_back`,
    `pay_${order}_${name}`,
    {
      status: 'refunded',
      captured: true,
      amount,
      amount_refunded: amount,
      currency: 'INR',
      order_id: order,
      created_at: TODAY_S,
    },
    TODAY_S + 99,
  );
const told = async (like: string) =>
  (
    await store.rows<{ key: string }>(
      `SELECT dedupe_key AS key FROM outbox WHERE name IN ('order.captured_twice', 'payment.amount_mismatch')
        AND dedupe_key LIKE $1 ORDER BY 1`,
      [`%${like}%`],
    )
  ).map(({ key }) => key);

let partitions = 0;
const everyOrder = <Item>(items: readonly Item[]): readonly (readonly Item[])[] =>
  items.length <= 1
    ? [items]
    : items.flatMap((item, index) => everyOrder(items.toSpliced(index, 1)).map((rest) => [item, ...rest]));

test('two captures on one order are one fact, in every order of arrival, told alone or together, and again', async () => {
  for (const [index, order] of everyOrder([0, 1, 2, 3]).entries()) {
    const id = `order_every${index}`;
    const events = [captured(id, 'a', 700), captured(id, 'b', 700, 5), paid(id, 700), refunded(id, 'a', 700)];
    const partition = await store.partition('rzp.all.v1', partitions++);
    if (index % 2 === 0) await partition.send(...order.map((one) => events[one]!));
    else for (const one of order) await partition.send(events[one]!);
    await partition.send(...events);
    expect([order, await told(`${id}:`)]).toEqual([order, [`orders:${id}:order.captured_twice:pay_${id}_b`]]);
  }
});

test('two orders of one receipt that are both captured are one fact, of the later order, in every order of arrival', async () => {
  for (const [index, order] of everyOrder([0, 1, 2, 3]).entries()) {
    const [one, two] = [`order_of_receipt${index}a`, `order_of_receipt${index}b`];
    const events = [
      ofReceipt(one, `R-${index}`),
      ofReceipt(two, `R-${index}`, 60),
      captured(one, 'x', 700),
      captured(two, 'x', 700, 60),
    ];
    const partition = await store.partition('rzp.all.v1', partitions++);
    if (index % 2 === 0) await partition.send(...order.map((place) => events[place]!));
    else for (const place of order) await partition.send(events[place]!);
    await partition.send(...events);
    expect([order, await told(`of_receipt${index}`)]).toEqual([order, [`orders:${two}:order.captured_twice:receipt`]]);
  }
});

test('one receipt with other amounts, or of which one order is captured alone, or that everybody has, is no fact', async () => {
  const partition = await store.partition('rzp.all.v1', partitions++);
  const many = Array.from({ length: 21 }, (_, number) => `order_const${number}`);
  await partition.send(
    ofReceipt('order_half1', 'half', 0, 300),
    ofReceipt('order_half2', 'half', 60, 400),
    captured('order_half1', 'x', 300),
    captured('order_half2', 'x', 400),
    ofReceipt('order_open1', 'open'),
    ofReceipt('order_open2', 'open', 60),
    captured('order_open1', 'x', 700),
    ...many.map((order) => ofReceipt(order, 'receipt#1')),
    ...many.map((order) => captured(order, 'x', 700)),
  );
  expect([await told('order_half'), await told('order_open'), await told('order_const')]).toEqual([[], [], []]);
});

test('each further payment is one fact more; parts that make the order are none; what is too much after parts is', async () => {
  const partition = await store.partition('rzp.all.v1', partitions++);
  await partition.send(
    ...['a', 'b', 'c'].map((name, index) => captured('order_thrice', name, 50, index)),
    paid('order_thrice', 50),
    captured('order_parts', 'a', 20, 0),
    captured('order_parts', 'b', 30, 1),
    paid('order_parts', 50),
  );
  expect(await told('order_thrice')).toHaveLength(2);
  expect(await told('order_parts')).toEqual([]);
  await partition.send(captured('order_parts', 'c', 50, 2));
  expect(await told('order_parts')).toEqual(['orders:order_parts:order.captured_twice:pay_order_parts_c']);
});

test('a payment that is not of the amount of its order is told, whichever comes first', async () => {
  const partition = await store.partition('rzp.all.v1', partitions++);
  await partition.send(captured('order_less1', 'a', 250), paid('order_less1', 300, 250));
  await partition.send(paid('order_less2', 300, 250));
  await partition.send(captured('order_less2', 'a', 250));
  await partition.send(captured('order_right', 'a', 300), paid('order_right', 300));
  expect(await told('order_less')).toEqual([
    'payments:pay_order_less1_a:payment.amount_mismatch:',
    'payments:pay_order_less2_a:payment.amount_mismatch:',
  ]);
  expect(await told('order_right')).toEqual([]);
});

test('two processes that capture one order at the same time tell it, every time', async () => {
  const number = partitions;
  partitions += 2;
  const [here, there] = await Promise.all([
    store.partition('rzp.all.v1', number),
    store.elsewhere('rzp.all.v1', number + 1),
  ]);
  const rounds = 40;
  for (let round = 0; round < rounds; round += 1) {
    const id = `order_race${round}`;
    await here.send(paid(id, 70));
    await Promise.all([here.send(captured(id, 'a', 70)), there.send(captured(id, 'b', 70, 1))]);
  }
  expect(await told('order_race')).toHaveLength(rounds);
  for (let round = 0; round < rounds; round += 1) {
    const [one, two] = [`order_rival${round}a`, `order_rival${round}b`];
    await here.send(ofReceipt(one, `rival ${round}`), ofReceipt(two, `rival ${round}`, 1));
    await Promise.all([here.send(captured(one, 'x', 700)), there.send(captured(two, 'x', 700, 1))]);
  }
  expect(await told('order_rival')).toHaveLength(rounds);
});

test('where only payments are subscribed, no order is known: each further payment of one is told as what it is', async () => {
  const alone = await openTestStore('payments', allAggregates);
  try {
    const partition = await alone.partition('rzp.payments.v1');
    await partition.send(captured('order_blind', 'b', 700, 5), captured('order_other', 'a', 700));
    await partition.send(captured('order_blind', 'a', 700));
    await partition.send(captured('order_blind', 'c', 700, 9));
    expect(
      await alone.rows("SELECT dedupe_key AS key FROM outbox WHERE name = 'payment.captured_again' ORDER BY 1"),
    ).toEqual(['b', 'c'].map((name) => ({ key: `payments:pay_order_blind_${name}:payment.captured_again:` })));
  } finally {
    await alone.close();
  }
});

test.each(['payment_link.paid', 'invoice.paid'] as const)(
  '%s alone makes the amount of its order known: two captures on it are told',
  async (event) => {
    const [subject = ''] = event.split('.');
    const id = `order_${subject.replace('_', '')}0001`;
    const order = { id, amount: 700, amount_paid: 700, status: 'paid', currency: 'INR' };
    const payment = {
      id: `pay_${id}_a`,
      order_id: id,
      amount: 700,
      status: 'captured',
      captured: true,
      currency: 'INR',
    };
    const body = {
      event,
      account_id: 'acc_1',
      payload: {
        [subject]: { entity: { id: `${subject}_1`, order_id: id, amount: 700, status: 'paid' } },
        order: { entity: order },
        payment: { entity: { ...payment, created_at: TODAY_S } },
      },
      created_at: TODAY_S,
    };
    const partition = await store.partition('rzp.all.v1', partitions++);
    await partition.send(captured(id, 'b', 700, 5));
    expect(await told(`${id}:`)).toEqual([]);
    const envelopes = toEnvelopes({
      rawBody: Buffer.from(JSON.stringify(body)),
      eventIdHeader: `ev_${subject}`,
      endpoint: 'default',
      receivedAt: instant((TODAY_S + 60) * 1000),
      traceparent: undefined,
    });
    await partition.send(...envelopes.map((envelope) => parsed(envelope)));
    expect(await told(`${id}:`)).toEqual([`orders:${id}:order.captured_twice:pay_${id}_b`]);
  },
);
