import { refunded, rich } from '../builders/payments.ts';
import type { Payment } from '../builders/payments.ts';
import { newRefund, refundFailed, refundProcessed, speedChanged } from '../builders/refunds.ts';
import { checkout } from './payments.ts';
import { end, step, telling } from './story.ts';
import type { End, Story } from './story.ts';

/** The payment beside a refund: it counts the refund as soon as it exists. */
const after = (payment: Payment, amount: number): Payment => rich(refunded(payment, amount));

/** The ends of a checkout whose payment was shown as refunded in full later: a snapshot beside a refund says so. */
const endsWith = (ends: readonly End[], { id }: Payment): readonly End[] =>
  ends.map((one) => (one.family === 'payments' && one.key === id ? end('payments', id, 'refunded') : one));

export const refundNormal: Story = {
  summary: 'A captured payment is refunded at normal speed, in two parts.',
  tell: (scene) => {
    const { random, start } = scene;
    const { payment, steps, ends } = checkout(random, start);
    const half = Math.floor(payment.amount / 2);
    const first = newRefund(random, { at: start + 60, payment, amount: half });
    const second = newRefund(random, { at: start + 400, payment, amount: payment.amount - half });
    const refunds = [
      step(60, 'refund.created', { refund: first, payment: after(payment, half) }),
      step(300, 'refund.processed', { refund: refundProcessed(first, random), payment: after(payment, half) }),
      step(400, 'refund.created', { refund: second, payment: after(payment, payment.amount) }),
      step(700, 'refund.processed', {
        refund: refundProcessed(second, random),
        payment: after(payment, payment.amount),
      }),
    ];
    return telling(
      scene,
      [...steps, ...refunds],
      [...endsWith(ends, payment), end('refunds', first.id, 'processed'), end('refunds', second.id, 'processed')],
    );
  },
};

export const refundFallsBack: Story = {
  summary: 'An instant refund cannot be done at once, becomes a normal one and is processed.',
  tell: (scene) => {
    const { random, start } = scene;
    const { payment, steps, ends } = checkout(random, start);
    const refund = newRefund(random, { at: start + 60, payment, speed: 'optimum' });
    const normal = speedChanged(refund);
    const paid = after(payment, payment.amount);
    const refunds = [
      step(60, 'refund.created', { refund, payment: paid }),
      step(90, 'refund.speed_changed', { refund: normal, payment: paid }),
      step(800, 'refund.processed', { refund: refundProcessed(normal, random), payment: paid }),
    ];
    return telling(scene, [...steps, ...refunds], [...endsWith(ends, payment), end('refunds', refund.id, 'processed')]);
  },
};

export const refundAtOnce: Story = {
  summary: 'A refund whose first event already shows it as processed, which is common (docs/reference/razorpay.md).',
  tell: (scene) => {
    const { random, start } = scene;
    const { payment, steps, ends } = checkout(random, start);
    const refund = refundProcessed(newRefund(random, { at: start + 60, payment }), random);
    const paid = after(payment, payment.amount);
    const refunds = [
      step(60, 'refund.created', { refund, payment: paid }),
      step(60, 'refund.processed', { refund, payment: paid }),
    ];
    return telling(scene, [...steps, ...refunds], [...endsWith(ends, payment), end('refunds', refund.id, 'processed')]);
  },
};

export const refundFails: Story = {
  summary: 'A refund is made and fails: the money stays with the merchant.',
  tell: (scene) => {
    const { random, start } = scene;
    const { payment, steps, ends } = checkout(random, start);
    const refund = newRefund(random, { at: start + 60, payment });
    const refunds = [
      step(60, 'refund.created', { refund, payment: after(payment, payment.amount) }),
      step(500, 'refund.failed', { refund: refundFailed(refund), payment: rich(payment) }),
    ];
    return telling(scene, [...steps, ...refunds], [...endsWith(ends, payment), end('refunds', refund.id, 'failed')]);
  },
};
