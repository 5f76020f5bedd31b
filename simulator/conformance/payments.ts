import type { SimulatedEvent } from '../simulated-event.ts';
import type { Fields, Deployment } from './deployment.ts';

const AMOUNT = 50_000;
const REFUNDED = 20_000;

/** One order, its payment and a refund of a part of it, and every event that may be told of them. */
export const checkout = (deployment: Deployment) => {
  const [order, payment, refund] = [deployment.id('order_'), deployment.id('pay_'), deployment.id('rfnd_')];
  const paymentEvent = (
    name: 'payment.authorized' | 'payment.captured' | 'payment.failed',
    second: number,
    more: Fields = {},
  ) => deployment.event(name, second, { id: payment, order_id: order, amount: AMOUNT, currency: 'INR', ...more });
  const refundEvent = (
    name: 'refund.created' | 'refund.processed' | 'refund.failed' | 'refund.speed_changed',
    second: number,
    more: Fields = {},
  ) =>
    deployment.event(name, second, {
      id: refund,
      payment_id: payment,
      amount: REFUNDED,
      'payment.id': payment,
      'payment.order_id': order,
      'payment.amount': AMOUNT,
      'payment.status': 'captured',
      'payment.amount_refunded': REFUNDED,
      'payment.refund_status': 'partial',
      ...more,
    });
  return {
    order,
    payment,
    refund,
    paymentEvent,
    refundEvent,
    orderPaid: (second: number, more: Fields = {}): SimulatedEvent =>
      deployment.event('order.paid', second, {
        id: order,
        amount: AMOUNT,
        amount_paid: AMOUNT,
        amount_due: 0,
        status: 'paid',
        attempts: 1,
        'payment.id': payment,
        'payment.order_id': order,
        'payment.amount': AMOUNT,
        'payment.status': 'captured',
        ...more,
      }),
  };
};

/**
 * BP-01: nothing is fulfilled without a webhook, and exactly once
 * with `payment.captured` and `order.paid`, in either order.
 */
export const fulfilOnWebhook = async (deployment: Deployment): Promise<void> => {
  for (const isOrderFirst of [false, true]) {
    const { order, payment, paymentEvent, orderPaid } = checkout(deployment);
    await deployment.told(order, { 'order.paid': 0 });
    const both = [paymentEvent('payment.captured', 1), orderPaid(2)];
    await deployment.deliver(...(isOrderFirst ? both.reverse() : both));
    await deployment.row('orders', order, { status: 'paid', amount_paid_minor: AMOUNT, payment_id: payment });
    await deployment.row('payments', payment, { status: 'captured' });
    await deployment.told(order, { 'order.paid': 1 });
    await deployment.told(payment, { 'payment.captured': 1 });
  }
};

/**
 * BP-06: failed, then authorised late, then captured and paid; in that order and in others; the failure pays nothing.
 */
export const lateAuthorisation = async (deployment: Deployment): Promise<void> => {
  const first = checkout(deployment);
  await deployment.deliver(first.paymentEvent('payment.failed', 0));
  await deployment.row('payments', first.payment, { status: 'failed' });
  await deployment.told(first.order, { 'order.paid': 0 });
  await deployment.deliver(first.paymentEvent('payment.authorized', 600, { late_authorized: true }));
  await deployment.told(first.payment, { 'payment.late_authorized': 1 });
  await deployment.deliver(
    first.paymentEvent('payment.captured', 601, { late_authorized: true }),
    first.orderPaid(602),
  );
  await isPaid(deployment, first);

  const other = checkout(deployment);
  await deployment.deliver(
    other.orderPaid(602),
    other.paymentEvent('payment.captured', 601),
    other.paymentEvent('payment.authorized', 600, { late_authorized: true }),
    other.paymentEvent('payment.failed', 0),
  );
  await isPaid(deployment, other);
};

const isPaid = async (deployment: Deployment, { order, payment }: ReturnType<typeof checkout>): Promise<void> => {
  await deployment.row('payments', payment, { status: 'captured', error_code: null });
  await deployment.row('orders', order, { status: 'paid' });
  await deployment.told(order, { 'order.paid': 1 });
  await deployment.told(payment, { 'payment.captured': 1 });
};

/** BP-10: every order of five events ends in one state, with the same effects; and two late ones change nothing. */
export const anyOrder =
  (permutations: number) =>
  async (deployment: Deployment): Promise<void> => {
    const orders = everyOrder([0, 1, 2, 3, 4]).slice(-permutations);
    const all = orders.map((order) => ({ order, story: checkout(deployment) }));
    const deliverAll = async ({ order, story }: (typeof all)[number]): Promise<void> => {
      const events = [
        story.paymentEvent('payment.authorized', 0),
        story.paymentEvent('payment.captured', 1),
        story.orderPaid(2),
        story.refundEvent('refund.created', 3),
        story.refundEvent('refund.processed', 4),
      ];
      await deployment.deliver(...order.map((index) => events[index] as SimulatedEvent));
    };
    for (let next = 0; next < all.length; next += AT_ONCE)
      await Promise.all(all.slice(next, next + AT_ONCE).map(deliverAll));
    const count = all.length;
    const keys = (of: 'order' | 'payment' | 'refund') => [all.map(({ story }) => story[of])];
    await deployment.demand(
      'the payments of all orders of arrival',
      `SELECT status, amount_minor::int AS amount, amount_refunded_minor::int AS refunded, refund_status,
        order_id IS NOT NULL AS "hasOrder", count(*)::int AS payments
         FROM payment_transactions WHERE payment_id = ANY($1::text[]) GROUP BY 1, 2, 3, 4, 5`,
      keys('payment'),
      [
        {
          status: 'captured',
          amount: AMOUNT,
          refunded: REFUNDED,
          refund_status: 'partial',
          hasOrder: true,
          payments: count,
        },
      ],
    );
    await deployment.demand(
      'the orders of all orders of arrival',
      `SELECT status, amount_paid_minor::int AS paid, count(*)::int AS orders FROM payment_orders
        WHERE order_id = ANY($1::text[]) GROUP BY 1, 2`,
      keys('order'),
      [{ status: 'paid', paid: AMOUNT, orders: count }],
    );
    await deployment.demand(
      'the refunds of all orders of arrival',
      `SELECT status, amount_minor::int AS amount, count(*)::int AS refunds FROM payment_refunds
        WHERE refund_id = ANY($1::text[]) GROUP BY 1, 2`,
      keys('refund'),
      [{ status: 'processed', amount: REFUNDED, refunds: count }],
    );
    await deployment.demand(
      'what was told, once each',
      `SELECT name, count(*)::int AS told, count(DISTINCT entity_key)::int AS entities FROM outbox
        WHERE entity_key = ANY($1::text[]) AND name IN ('payment.captured', 'order.paid', 'refund.processed') GROUP BY 1
          ORDER BY 1`,
      [all.flatMap(({ story }) => [story.order, story.payment, story.refund])],
      ['order.paid', 'payment.captured', 'refund.processed'].map((name) => ({ name, told: count, entities: count })),
    );
    await lateOnes(deployment);
  };

const [AT_ONCE, DAY_LATE_S] = [10, 23 * 3_600];

/** An authorisation that comes 23 h after its capture, and a dispute that comes before it. */
const lateOnes = async (deployment: Deployment): Promise<void> => {
  const { payment, order, paymentEvent } = checkout(deployment);
  const dispute = deployment.id('disp_');
  await deployment.deliver(
    deployment.event('payment.dispute.created', 5, {
      id: dispute,
      payment_id: payment,
      'payment.id': payment,
      'payment.order_id': order,
      'payment.amount': AMOUNT,
    }),
    paymentEvent('payment.captured', 1),
    paymentEvent('payment.authorized', -DAY_LATE_S),
  );
  await deployment.row('payments', payment, { status: 'captured' });
  await deployment.row('disputes', dispute, { status: 'open', payment_id: payment });
  await deployment.told(payment, { 'payment.captured': 1 });
};

export const everyOrder = <Item>(items: readonly Item[]): readonly (readonly Item[])[] =>
  items.length <= 1
    ? [items]
    : items.flatMap((item, index) => everyOrder(items.toSpliced(index, 1)).map((rest) => [item, ...rest]));

/** ORD-02 · ORD-03: an attempt fails, the next one pays, a part goes back; a paid order stays paid. */
export const orderLifecycle = async (deployment: Deployment): Promise<void> => {
  const { order, payment, paymentEvent, orderPaid, refundEvent, refund } = checkout(deployment);
  const failed = deployment.id('pay_');
  await deployment.deliver(deployment.event('payment.failed', 0, { id: failed, order_id: order, amount: AMOUNT }));
  await deployment.row('payments', failed, { status: 'failed', order_id: order });
  await deployment.told(order, { 'order.paid': 0 });
  await deployment.deliver(
    paymentEvent('payment.captured', 60),
    orderPaid(61, { attempts: 2 }),
    refundEvent('refund.processed', 90),
  );
  await deployment.row('refunds', refund, { status: 'processed' });
  await deployment.row('orders', order, { status: 'paid', attempts: 2, payment_id: payment });
  await deployment.told(order, { 'order.paid': 1 });
};

/** ORD-16: two payments make one order; only the whole is `order.paid`, and two parts are no double payment. */
export const partialPayments = async (deployment: Deployment): Promise<void> => {
  const { order, payment, orderPaid } = checkout(deployment);
  const first = deployment.id('pay_');
  const part = (id: string, amount: number, second: number) =>
    deployment.event('payment.captured', second, { id, order_id: order, amount });
  await deployment.deliver(part(first, REFUNDED, 0));
  await deployment.row('payments', first, { status: 'captured', amount_minor: REFUNDED });
  await deployment.told(order, { 'order.paid': 0 });
  await deployment.deliver(
    part(payment, AMOUNT - REFUNDED, 60),
    orderPaid(61, { attempts: 2, 'payment.amount': AMOUNT - REFUNDED }),
  );
  await deployment.row('orders', order, { status: 'paid', amount_paid_minor: AMOUNT });
  await deployment.told(order, { 'order.paid': 1 });
};
