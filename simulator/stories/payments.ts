import * as pay from '../builders/payments.ts';
import type { Random } from '../random.ts';
import { end, step, telling } from './story.ts';
import type { End, Step, Story } from './story.ts';

/** A payment of an order, ready to be told: every story in which money comes in begins with one. */
export interface Checkout {
  readonly order: pay.Order;
  readonly payment: pay.Payment;
  readonly steps: readonly Step[];
  readonly ends: readonly End[];
}

/**
 * payment.authorized, payment.captured and order.paid: three events of one business fact (docs/reference/razorpay.md
 * "Entities").
 */
export const checkout = (random: Random, start: number, after = 0): Checkout => {
  const order = pay.newOrder(random, { at: start + after });
  const fresh = pay.newPayment(random, { at: start + after, order });
  const payment = pay.captured(fresh);
  return {
    order,
    payment,
    steps: [
      step(after, 'payment.authorized', { payment: pay.authorized(fresh) }),
      // captured and order.paid carry the same second, as on the wire (docs/reference/razorpay.md "Envelope").
      step(after + 2, 'payment.captured', { payment }),
      step(after + 2, 'order.paid', { payment, order: pay.orderAfter(order, order.amount, 1) }),
    ],
    ends: [end('payments', payment.id, 'captured'), end('orders', order.id, 'paid')],
  };
};

export const checkoutCaptured: Story = {
  summary: 'A customer pays an order; the payment is captured.',
  tell: (scene) => {
    const { steps, ends } = checkout(scene.random, scene.start);
    return telling(scene, steps, ends);
  },
};

export const lateAuthorised: Story = {
  summary: 'The bank does not answer and the payment fails; it is authorised late, under the same id, and captured.',
  tell: (scene) => {
    const { random, start } = scene;
    const order = pay.newOrder(random, { at: start });
    const payment = pay.newPayment(random, { at: start, order });
    const late = pay.authorizedLate(payment);
    const captured = pay.captured(late);
    const steps = [
      step(600, 'payment.failed', { payment: pay.failed(payment) }),
      step(900, 'payment.authorized', { payment: late }),
      step(903, 'payment.captured', { payment: captured }),
      step(903, 'order.paid', { payment: captured, order: pay.orderAfter(order, order.amount, 1) }),
    ];
    return telling(scene, steps, [end('payments', payment.id, 'captured'), end('orders', order.id, 'paid')]);
  },
};

export const paymentFailed: Story = {
  summary: 'An attempt fails and is not repeated.',
  tell: (scene) => {
    const order = pay.newOrder(scene.random, { at: scene.start });
    const payment = pay.newPayment(scene.random, { at: scene.start, order });
    return telling(
      scene,
      [step(40, 'payment.failed', { payment: pay.failed(payment) })],
      [end('payments', payment.id, 'failed')],
    );
  },
};

export const secondAttempt: Story = {
  summary: 'The first payment of an order fails, another one pays it.',
  tell: (scene) => {
    const { random, start } = scene;
    const order = pay.newOrder(random, { at: start });
    const first = pay.newPayment(random, { at: start, order });
    const second = pay.newPayment(random, { at: start + 90, order });
    const captured = pay.captured(second);
    const steps = [
      step(30, 'payment.failed', { payment: pay.failed(first) }),
      step(95, 'payment.authorized', { payment: pay.authorized(second) }),
      step(96, 'payment.captured', { payment: captured }),
      step(96, 'order.paid', { payment: captured, order: pay.orderAfter(order, order.amount, 2) }),
    ];
    return telling(scene, steps, [
      end('payments', first.id, 'failed'),
      end('payments', second.id, 'captured'),
      end('orders', order.id, 'paid'),
    ]);
  },
};

export const recurringCharge: Story = {
  summary:
    'The notice before a recurring charge fails once and is delivered at the second try; then the order is charged.',
  tell: (scene) => {
    const { random, start } = scene;
    const { order, steps, ends } = checkout(random, start, 300);
    const first = pay.newNotification(random, { at: start, orderId: order.id });
    const second = pay.newNotification(random, { at: start + 60, orderId: order.id });
    const notices = [
      step(5, 'order.notification.failed', { notification: pay.notificationFailed(first) }),
      step(65, 'order.notification.delivered', { notification: pay.notificationDelivered(second, start + 65) }),
    ];
    return telling(scene, [...notices, ...steps], ends);
  },
};

export const noticeFails: Story = {
  summary: 'The notice before a recurring charge is not delivered, and nothing is charged.',
  tell: (scene) => {
    const { random, start } = scene;
    const notification = pay.newNotification(random, { at: start, orderId: random.id('order_') });
    return telling(
      scene,
      [step(5, 'order.notification.failed', { notification: pay.notificationFailed(notification) })],
      [end('orders', notification.order_id, 'created')],
    );
  },
};

export const overlappingDowntimes: Story = {
  summary: 'Two downtimes of one bank overlap; one is resolved, the other changes its severity and goes on.',
  tell: (scene) => {
    const { random, start } = scene;
    const instrument = ['netbanking', { bank: random.pick(['HDFC', 'SBIN', 'COSB']) }] as const;
    const first = pay.newDowntime(random, { at: start, severity: 'high', instrument });
    const second = pay.newDowntime(random, { at: start + 120, severity: 'medium', instrument });
    const milder = pay.downtimeUpdated(first, 'low', start + 300);
    const steps = [
      step(0, 'payment.downtime.started', { 'payment.downtime': first }),
      step(120, 'payment.downtime.started', { 'payment.downtime': second }),
      step(300, 'payment.downtime.updated', { 'payment.downtime': milder }),
      step(420, 'payment.downtime.updated', { 'payment.downtime': pay.downtimeUpdated(second, 'high', start + 420) }),
      step(600, 'payment.downtime.resolved', { 'payment.downtime': pay.downtimeResolved(milder, start + 600) }),
    ];
    return telling(scene, steps, [end('downtimes', first.id, 'resolved'), end('downtimes', second.id, 'updated')]);
  },
};
