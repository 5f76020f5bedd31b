import { linkAfter, linkCancelled, linkExpired, newPaymentLink } from '../builders/links.ts';
import type { PaymentLink } from '../builders/links.ts';
import * as pay from '../builders/payments.ts';
import type { Random } from '../random.ts';
import { end, step, telling } from './story.ts';
import type { Step, Story } from './story.ts';

/**
 * All bodies of a link carry the link's creation as `created_at`, not their own time (docs/reference/razorpay.md
 * "Times").
 */
const linkStep = (link: PaymentLink, after: number, event: Step['event'], parts: Step['parts']): Step =>
  step(after, event, parts, { createdAt: link.created_at });

const orderOf = (random: Random, link: PaymentLink): pay.Order => ({
  ...pay.newOrder(random, { at: link.created_at, amount: link.amount }),
  id: link.order_id,
});
const paymentOf = (random: Random, link: PaymentLink, order: pay.Order, amount: number, at: number): pay.Payment =>
  pay.captured(pay.newPayment(random, { at, order, amount, description: `#${link.id.slice('plink_'.length)}` }));

export const linkPaid: Story = {
  summary: 'A payment link is paid in full.',
  tell: (scene) => {
    const { random, start } = scene;
    const link = newPaymentLink(random, { at: start });
    const order = orderOf(random, link);
    const payment = paymentOf(random, link, order, link.amount, start + 24);
    const paid = pay.orderAfter(order, link.amount, 1);
    const steps = [
      step(26, 'payment.captured', { payment }),
      step(26, 'order.paid', { payment, order: paid }),
      linkStep(link, 27, 'payment_link.paid', {
        payment_link: linkAfter(link, link.amount, start + 27),
        order: paid,
        payment: pay.rich(payment),
      }),
    ];
    return telling(scene, steps, [
      end('payment_links', link.id, 'paid'),
      end('payments', payment.id, 'captured'),
      end('orders', order.id, 'paid'),
    ]);
  },
};

export const linkPartialPayments: Story = {
  summary: 'A payment link is paid in three parts.',
  tell: (scene) => {
    const { random, start } = scene;
    const link = newPaymentLink(random, { at: start, partial: true });
    const order = orderOf(random, link);
    const part = Math.floor(link.amount / 3);
    const parts = [part, part, link.amount - 2 * part];
    const payments = parts.map((amount, index) => paymentOf(random, link, order, amount, start + 60 + 200 * index));
    const steps = payments.flatMap((payment, index) => {
      const after = 62 + 200 * index;
      const sum = index === 2 ? link.amount : part * (index + 1);
      const then = pay.orderAfter(order, sum, index + 1);
      const wrapped = {
        payment_link: linkAfter(link, sum, start + after + 1),
        order: then,
        payment: pay.rich(payment),
      };
      return [
        step(after, 'payment.captured', { payment }),
        ...(index === 2 ? [step(after, 'order.paid', { payment, order: then })] : []),
        linkStep(link, after + 1, index === 2 ? 'payment_link.paid' : 'payment_link.partially_paid', wrapped),
      ];
    });
    const captured = payments.map(({ id }) => end('payments', id, 'captured'));
    return telling(scene, steps, [end('payment_links', link.id, 'paid'), end('orders', order.id, 'paid'), ...captured]);
  },
};

export const linkExpires: Story = {
  summary: 'A payment link runs out of time after one part was paid.',
  tell: (scene) => {
    const { random, start } = scene;
    const link = newPaymentLink(random, { at: start, partial: true });
    const order = orderOf(random, link);
    const part = Math.ceil(link.amount / 4);
    const payment = paymentOf(random, link, order, part, start + 60);
    const partly = linkAfter(link, part, start + 63);
    const steps = [
      step(62, 'payment.captured', { payment }),
      linkStep(link, 63, 'payment_link.partially_paid', {
        payment_link: partly,
        order: pay.orderAfter(order, part, 1),
        payment: pay.rich(payment),
      }),
      linkStep(link, 1_208, 'payment_link.expired', { payment_link: linkExpired(partly, start + 1_208) }),
    ];
    return telling(scene, steps, [end('payment_links', link.id, 'expired'), end('payments', payment.id, 'captured')]);
  },
};

export const linkIsCancelled: Story = {
  summary: 'A payment link is cancelled before anybody pays.',
  tell: (scene) => {
    const link = newPaymentLink(scene.random, { at: scene.start });
    const steps = [
      linkStep(link, 28, 'payment_link.cancelled', { payment_link: linkCancelled(link, scene.start + 28) }),
    ];
    return telling(scene, steps, [end('payment_links', link.id, 'cancelled')]);
  },
};
