import type { Random } from '../random.ts';
import type { Json } from '../wire.ts';
import { newPerson } from './person.ts';
import type { Person } from './person.ts';

/**
 * The payment entity: razorpay.com/docs/api/payments/entity, field order
 * of the webhook samples. Amounts in paise, times in epoch seconds.
 */
export interface Payment extends Json {
  readonly id: string;
  readonly amount: number;
  readonly currency: string;
  readonly order_id: string | null;
  readonly method: Method;
  readonly created_at: number;
}
type Method = 'card' | 'netbanking' | 'wallet' | 'upi';

export interface PaymentNeeds {
  readonly at: number;
  readonly order?: Order;
  readonly amount?: number;
  readonly invoiceId?: string;
  readonly description?: string;
  readonly payer?: Person;
}

/** A payment that is created and not yet answered by the bank. */
export const newPayment = (random: Random, needs: PaymentNeeds): Payment => {
  const payer = needs.payer ?? newPerson(random);
  const method: Method = random.pick(['card', 'netbanking', 'wallet', 'upi']);
  const card = method === 'card' ? newCard(random, payer) : null;
  return {
    id: random.id('pay_'),
    entity: 'payment',
    amount: needs.amount ?? needs.order?.amount ?? random.whole(100, 2_500_000),
    currency: 'INR',
    status: 'created',
    order_id: needs.order?.id ?? null,
    invoice_id: needs.invoiceId ?? null,
    international: false,
    method,
    amount_refunded: 0,
    amount_transferred: 0,
    refund_status: null,
    captured: false,
    description: needs.description ?? null,
    card_id: card?.id ?? null,
    ...(card !== null && { card }),
    bank: method === 'netbanking' ? random.pick(['HDFC', 'ICIC', 'SBIN', 'UTIB']) : null,
    wallet: method === 'wallet' ? random.pick(['payzapp', 'mobikwik', 'airtelmoney']) : null,
    vpa: method === 'upi' ? payer.vpa : null,
    email: payer.email,
    contact: payer.contact,
    notes: random.chance(0.5) ? [] : { cart: `cart/${random.digits(6)}`, customer: payer.name },
    fee: null,
    tax: null,
    error_code: null,
    error_description: null,
    error_source: null,
    error_step: null,
    error_reason: null,
    acquirer_data: acquirerData(random, method),
    created_at: needs.at,
    ...(method === 'upi' && { upi: { payer_account_type: 'bank_account', vpa: payer.vpa, flow: 'intent' } }),
  };
};

interface Card extends Json {
  readonly id: string;
}
const newCard = (random: Random, holder: Person): Card => ({
  id: random.id('card_'),
  entity: 'card',
  name: holder.name,
  last4: random.digits(4),
  network: random.pick(['Visa', 'MasterCard', 'RuPay']),
  type: random.pick(['credit', 'debit']),
  issuer: random.pick(['HDFC', 'ICIC', 'KARB']),
  international: false,
  emi: false,
  sub_type: 'consumer',
  token_iin: null,
});

const acquirerData = (random: Random, method: Method): Json => {
  switch (method) {
    case 'card':
      return { auth_code: random.digits(6) };
    case 'netbanking':
      return { bank_transaction_id: random.digits(10) };
    case 'wallet':
      return { transaction_id: null };
    case 'upi':
      return { rrn: random.digits(12), upi_transaction_id: random.id('UPI') };
  }
};

/** Razorpay's fee is about 2 %, plus 18 % tax on it; the fee includes the tax. */
const feeOf = (amount: number): { readonly fee: number; readonly tax: number } => {
  const net = Math.round(amount * 0.02);
  const tax = Math.round(net * 0.18);
  return { fee: net + tax, tax };
};

export const authorized = (payment: Payment): Payment => ({ ...payment, status: 'authorized', ...NO_ERROR });
/** The bank answered after the payment had failed (razorpay.com/docs/payments/late-authorisation). */
export const authorizedLate = (payment: Payment): Payment => ({ ...authorized(payment), late_authorized: true });
export const captured = (payment: Payment): Payment => ({
  ...payment,
  base_amount: payment.amount,
  status: 'captured',
  captured: true,
  ...feeOf(payment.amount),
  ...NO_ERROR,
});
export const failed = (payment: Payment): Payment => ({
  ...payment,
  status: 'failed',
  error_code: 'BAD_REQUEST_ERROR',
  error_description: 'Your payment was not completed: the bank did not answer in time.',
  error_source: 'bank',
  error_step: 'payment_authorization',
  error_reason: 'payment_timed_out',
});
const NO_ERROR = {
  error_code: null,
  error_description: null,
  error_source: null,
  error_step: null,
  error_reason: null,
};

/** A captured payment after refunds of `amount` paise in all. */
export const refunded = (payment: Payment, amount: number): Payment => ({
  ...payment,
  status: amount >= payment.amount ? 'refunded' : 'captured',
  amount_refunded: amount,
  refund_status: amount >= payment.amount ? 'full' : 'partial',
});

/** The payment as the second serializer shows it: richer, with fields that the first one leaves out. */
export const rich = (payment: Payment): Payment => ({
  amount_captured: null,
  base_amount: payment.amount,
  card: null,
  fee_bearer: 'platform',
  provider: null,
  reward: null,
  ...payment,
});

/** The order entity: razorpay.com/docs/api/orders/entity. */
export interface Order extends Json {
  readonly id: string;
  readonly amount: number;
}

export const newOrder = (random: Random, needs: { readonly at: number; readonly amount?: number }): Order => {
  const amount = needs.amount ?? random.whole(100, 2_500_000);
  return {
    id: random.id('order_'),
    entity: 'order',
    amount,
    amount_paid: 0,
    amount_due: amount,
    currency: 'INR',
    receipt: `receipt#${random.digits(5)}`,
    offer_id: null,
    status: 'created',
    attempts: 0,
    notes: [],
    created_at: needs.at,
    description: null,
    checkout: null,
  };
};

/** The order once `paid` paise have come in over `attempts` payments. */
export const orderAfter = (order: Order, paid: number, attempts: number): Order => ({
  ...order,
  amount_paid: paid,
  amount_due: order.amount - paid,
  status: paid >= order.amount ? 'paid' : 'attempted',
  attempts,
});

/** The pre-debit notice of a recurring charge: razorpay.com/docs/api/payments/recurring-payments/webhooks. */
export interface Notification extends Json {
  readonly id: string;
  readonly order_id: string;
}

export const newNotification = (
  random: Random,
  needs: { readonly at: number; readonly orderId: string },
): Notification => ({
  id: random.id('notification_'),
  entity: 'notification',
  order_id: needs.orderId,
  token_id: random.id('token_'),
  delivered_at: null,
  status: 'created',
  payment_after: needs.at + DAY_S,
});
const DAY_S = 86_400;

export const notificationDelivered = (notification: Notification, at: number): Notification => ({
  ...notification,
  status: 'delivered',
  delivered_at: at,
});
export const notificationFailed = (notification: Notification): Notification => ({ ...notification, status: 'failed' });

/** The downtime entity: razorpay.com/docs/api/payments/downtime/entity. */
export interface Downtime extends Json {
  readonly id: string;
  readonly begin: number;
}
export type Severity = 'high' | 'medium' | 'low';

const INSTRUMENTS = [
  ['card', { issuer: 'SBIN', type: 'credit' }],
  ['card', { network: 'MC', type: 'debit' }],
  ['netbanking', { bank: 'COSB' }],
  ['upi', { psp: 'bhim', flow: 'collect' }],
  ['upi', { vpa_handle: 'ALL', flow: 'intent' }],
] as const satisfies readonly Instrument[];
/** What is down: a method, and which of its instruments. */
type Instrument = readonly [method: Method, instrument: Json];

export const newDowntime = (
  random: Random,
  needs: { readonly at: number; readonly severity?: Severity; readonly instrument?: Instrument },
): Downtime => {
  const [method, instrument] = needs.instrument ?? random.pick(INSTRUMENTS);
  return {
    id: random.id('down_'),
    entity: 'payment.downtime',
    method,
    begin: needs.at,
    end: null,
    status: 'started',
    scheduled: false,
    severity: needs.severity ?? random.pick(['high', 'medium', 'low']),
    instrument,
    instrument_schema: Object.keys(instrument),
    created_at: needs.at,
    updated_at: needs.at,
  };
};

export const downtimeUpdated = (downtime: Downtime, severity: Severity, at: number): Downtime => ({
  ...downtime,
  status: 'updated',
  severity,
  updated_at: at,
});
export const downtimeResolved = (downtime: Downtime, at: number): Downtime => ({
  ...downtime,
  status: 'resolved',
  end: at,
  updated_at: at,
});
