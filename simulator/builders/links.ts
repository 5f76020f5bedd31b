import type { Random } from '../random.ts';
import type { Json } from '../wire.ts';
import { newPerson } from './person.ts';

/**
 * The payment link entity, which has no `entity` field and writes 0
 * for unset times: razorpay.com/docs/webhooks/payment-links.
 */
export interface PaymentLink extends Json {
  readonly id: string;
  readonly amount: number;
  readonly created_at: number;
  readonly order_id: string;
}

export const newPaymentLink = (
  random: Random,
  needs: { readonly at: number; readonly amount?: number; readonly partial?: boolean },
): PaymentLink => {
  const { name, email, contact } = newPerson(random);
  const partial = needs.partial ?? false;
  return {
    accept_partial: partial,
    amount: needs.amount ?? random.whole(1_000, 2_500_000),
    amount_paid: 0,
    callback_method: 'get',
    callback_url: 'https://shop.example.com/thanks',
    cancelled_at: 0,
    created_at: needs.at,
    currency: 'INR',
    customer: { contact, email, name },
    description: 'Deposit & first month, flat 12/B',
    expire_by: needs.at + LINK_LIFETIME_S,
    expired_at: 0,
    first_min_partial_amount: partial ? 100 : 0,
    id: random.id('plink_'),
    notes: random.chance(0.5) ? null : { policy: `policy/${random.digits(6)}` },
    notify: { email: true, sms: true, whatsapp: false },
    order_id: random.id('order_'),
    reference_id: `ref-${random.digits(8)}`,
    reminder_enable: true,
    reminders: { status: 'in_progress' },
    short_url: `https://rzp.io/rzp/${random.id('')}`,
    status: 'created',
    updated_at: needs.at,
    upi_link: false,
    user_id: '',
    whatsapp_link: false,
  };
};
const LINK_LIFETIME_S = 1_200;

export const linkAfter = (link: PaymentLink, paid: number, at: number): PaymentLink => ({
  ...link,
  amount_paid: paid,
  status: paid >= link.amount ? 'paid' : 'partially_paid',
  updated_at: at,
});
export const linkExpired = (link: PaymentLink, at: number): PaymentLink => ({
  ...link,
  status: 'expired',
  expired_at: at,
  updated_at: at,
});
export const linkCancelled = (link: PaymentLink, at: number): PaymentLink => ({
  ...link,
  status: 'cancelled',
  cancelled_at: at,
  updated_at: at,
});
