import { invoiceAfter, invoiceExpired, newInvoice } from '../builders/invoices.ts';
import * as pay from '../builders/payments.ts';
import { end, step, telling } from './story.ts';
import type { Story } from './story.ts';

export const invoicePaid: Story = {
  summary: 'An invoice is paid in full.',
  tell: (scene) => {
    const { random, start } = scene;
    const order = pay.newOrder(random, { at: start });
    const invoice = newInvoice(random, { at: start, order });
    const payment = pay.captured(
      pay.newPayment(random, { at: start + 120, order, invoiceId: invoice.id, description: `Invoice #${invoice.id}` }),
    );
    const paid = pay.orderAfter(order, order.amount, 1);
    const steps = [
      step(122, 'payment.captured', { payment }),
      step(122, 'order.paid', { payment, order: paid }),
      step(122, 'invoice.paid', {
        payment,
        order: paid,
        invoice: invoiceAfter(invoice, invoice.amount, payment.id, start + 122),
      }),
    ];
    return telling(scene, steps, [
      end('invoices', invoice.id, 'paid'),
      end('payments', payment.id, 'captured'),
      end('orders', order.id, 'paid'),
    ]);
  },
};

export const invoicePartialPayments: Story = {
  summary: 'An invoice is paid in two parts.',
  tell: (scene) => {
    const { random, start } = scene;
    const order = pay.newOrder(random, { at: start });
    const invoice = newInvoice(random, { at: start, order, partial: true });
    const part = Math.ceil(order.amount / 3);
    const paymentOf = (amount: number, at: number): pay.Payment =>
      pay.captured(
        pay.newPayment(random, { at, order, amount, invoiceId: invoice.id, description: `Invoice #${invoice.id}` }),
      );
    const first = paymentOf(part, start + 60);
    const second = paymentOf(order.amount - part, start + 500);
    const partly = pay.orderAfter(order, part, 1);
    const paid = pay.orderAfter(order, order.amount, 2);
    const steps = [
      step(62, 'payment.captured', { payment: first }),
      step(62, 'invoice.partially_paid', {
        payment: first,
        order: partly,
        invoice: invoiceAfter(invoice, part, first.id, start + 62),
      }),
      step(502, 'payment.captured', { payment: second }),
      step(502, 'order.paid', { payment: second, order: paid }),
      step(502, 'invoice.paid', {
        payment: second,
        order: paid,
        invoice: invoiceAfter(invoice, invoice.amount, second.id, start + 502),
      }),
    ];
    const captured = [first, second].map(({ id }) => end('payments', id, 'captured'));
    return telling(scene, steps, [end('invoices', invoice.id, 'paid'), end('orders', order.id, 'paid'), ...captured]);
  },
};

export const invoiceExpires: Story = {
  summary: 'An invoice runs out of time unpaid.',
  tell: (scene) => {
    const { random, start } = scene;
    const invoice = {
      ...newInvoice(random, { at: start, order: pay.newOrder(random, { at: start }) }),
      expire_by: start + 900,
    };
    return telling(
      scene,
      [step(910, 'invoice.expired', { invoice: invoiceExpired(invoice, start + 910) })],
      [end('invoices', invoice.id, 'expired')],
    );
  },
};
