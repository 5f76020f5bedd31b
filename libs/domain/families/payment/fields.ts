import {
  clearable,
  column,
  commonFields,
  ever,
  folded,
  foldInto,
  highest,
  latest,
  notAhead,
  personal,
  readFlag,
  readInteger,
  readText,
  readTime,
  searched,
} from '#rules';
import type { Field, Reading } from '#rules';
import { currency, notes, showing, timeOf } from '../columns.ts';

/**
 * Lowest rank first (razorpay.com/docs/payments/payments, "payment states"). `failed` stands
 * below `authorized`, because a payment that failed can still be authorised late, up to 3
 * days after (docs/payments/late-authorisation), and below `captured`, because a customer
 * who tries again in a UPI app succeeds under the same payment id (docs/webhooks/payments).
 */
export const paymentStatuses = ['created', 'failed', 'authorized', 'captured', 'refunded'] as const;
export type PaymentStatus = (typeof paymentStatuses)[number];
export const paymentEnds = ['failed', 'captured', 'refunded'] as const satisfies readonly PaymentStatus[];

/** Methods that two spellings are known of (razorpay.com/docs/api/payments/entity); all others stay as they come. */
const methods = ['card', 'netbanking', 'wallet', 'emi', 'upi'] as const;

/**
 * Currency in which the merchant is settled (razorpay.com/docs/payments/international-payments). Where it is not named,
 * it is the payment's own if both amounts are the same.
 */
const baseCurrency: Reading = {
  ...latest.text('base_currency'),
  read: ({ subject }) => {
    const [amount, base] = [readInteger(subject['amount']), readInteger(subject['base_amount'])];
    const own = base !== undefined && base === amount ? readText(subject['currency']) : undefined;
    return readText(subject['base_currency']) ?? own;
  },
};

const captureNamed = timeOf(
  'first',
  showing<PaymentStatus>(paymentStatuses, 'captured', 'refunded'),
  'payment.captured',
);
/**
 * `order.paid` comes with the capture that completes its order (razorpay.com/docs/webhooks/orders), so its time stands
 * for that of a payment of which nothing else is told. Where the body has no time of its own, `occurredAt` of a sighting
 * is the payment's creation, which is none of its capture.
 */
const capturedAt: Reading = {
  ...captureNamed,
  read: (snapshot) => {
    const { event, isSighting, subject, occurredAt, receivedAt } = snapshot;
    if (isSighting !== true || event !== 'order.paid') return captureNamed.read(snapshot);
    const created = readTime(subject['created_at']);
    const isCaptured = ['captured', 'refunded'].includes(foldInto(paymentStatuses, subject['status']) ?? '');
    const isOwn = created !== undefined && occurredAt !== null && occurredAt > created;
    return isCaptured && isOwn ? notAhead(occurredAt, receivedAt) : undefined;
  },
};

/**
 * Whether the snapshot shows the money as captured. The status says it, also against the flag: published bodies of
 * payments that are authorised or failed have `captured: true` (razorpay.com/docs/webhooks/payments, samples). Only of a
 * payment that is refunded the flag alone tells whether it had been captured before.
 */
const captured: Reading = {
  ...ever.flag('captured'),
  read: ({ event, subject, isSighting }) => {
    const [shown, flag] = [subject['status'], readFlag(subject['captured'])];
    const status = foldInto(paymentStatuses, shown);
    if (status === 'captured') return true;
    if (status === 'refunded') return flag;
    if (status !== undefined) return flag === undefined ? undefined : false;
    const isNamed = isSighting !== true && event === 'payment.captured' && (shown ?? '') === '';
    return isNamed ? true : flag;
  },
};

/** The amount that is shown as refunded: all of it, where the status says so. */
const amountRefunded: Reading = {
  ...highest.integer('amount_refunded'),
  read: ({ subject }) => {
    const isAll = foldInto(paymentStatuses, subject['status']) === 'refunded';
    const amounts = [subject['amount_refunded'], isAll ? subject['amount'] : undefined].map(readInteger);
    const known = amounts.filter((amount) => amount !== undefined);
    return known.length === 0 ? undefined : Math.max(...known);
  },
};

/** A snapshot that shows a success says that there is no failure, also where it leaves the key out or names one. */
const failure = (name: string): Reading => {
  const said = clearable.text(name);
  const isSuccess = showing<PaymentStatus>(paymentStatuses, 'authorized', 'captured', 'refunded');
  return {
    ...said,
    read: (snapshot) => ((snapshot.subject['status'] ?? '') !== '' && isSuccess(snapshot) ? null : said.read(snapshot)),
  };
};

/** By what its snapshot shows, and where that shows no status by the event's name. */
const everFailed: Reading = {
  ...ever.flag('ever_failed'),
  read: ({ event, subject, isSighting }) => {
    const shown = subject['status'];
    const isNamed = isSighting !== true && event === 'payment.failed' && (shown ?? '') === '';
    return isNamed || foldInto(paymentStatuses, shown) === 'failed' ? true : undefined;
  },
  isUnreadable: () => false,
};

/**
 * A payment that is refunded is so in full, whatever else its snapshot says; of another the snapshot's word counts, or
 * that some of it went back.
 */
const refundStatus: Reading = {
  ...latest.text('refund_status'),
  read: ({ subject }) => {
    if (foldInto(paymentStatuses, subject['status']) === 'refunded') return 'full';
    const back = readInteger(subject['amount_refunded']) ?? 0;
    return readText(subject['refund_status']) ?? (back > 0 ? 'partial' : undefined);
  },
};

/**
 * Columns of `payment_transactions`. Entity: razorpay.com/docs/api/payments/entity. Amounts are minor units of
 * `currency`, but for `base_amount_minor`, `fee_minor` and `tax_minor`, which are minor units of `base_currency`.
 */
export const paymentFields = {
  ...commonFields,
  order_id: column('Order that it pays for.', latest.text('order_id')),
  invoice_id: column('Invoice that it pays for.', latest.text('invoice_id')),
  amount_minor: column('Amount of the payment, fees included where the customer bears them.', latest.integer('amount')),
  currency,
  base_amount_minor: column('Amount in the currency of settlement.', latest.integer('base_amount')),
  base_currency: column('Currency of settlement, of the fee and of its tax, ISO 4217.', baseCurrency),
  method: column(
    'How the customer pays: card, upi, netbanking, wallet, emi and others.',
    folded(methods, latest.text('method')),
  ),
  captured: column('Whether the money was captured.', captured),
  late_authorized: column(
    'Whether the bank approved it only after it had failed or timed out.',
    ever.flag('late_authorized'),
  ),
  ever_failed: column('Whether an attempt under this id has failed, also where it succeeded later.', everFailed),
  amount_refunded_minor: column('Greatest refunded amount that a snapshot showed.', amountRefunded),
  refund_status: column('How far it is refunded: partial or full; unknown while nothing is.', refundStatus),
  fee_minor: column("Razorpay's fee, tax included; in the currency of settlement.", latest.integer('fee')),
  tax_minor: column('Tax on the fee; in the currency of settlement.', latest.integer('tax')),
  international: column('Whether the card or the customer is foreign.', latest.flag('international')),
  description: personal('Text that the merchant gave the payment.', latest.text('description')),
  card_id: column('Card that paid, as Razorpay names it.', latest.text('card_id')),
  card_type: column('Kind of card: credit, debit or prepaid.', latest.text('card', 'type')),
  card_issuer: column('Bank that issued the card.', latest.text('card', 'issuer')),
  card_international: column('Whether the card was issued abroad.', latest.flag('card', 'international')),
  card_network: column('Network of the card.', latest.text('card', 'network')),
  card_last4: personal('Last four digits of the card.', latest.text('card', 'last4')),
  bank: column('Code of the bank that pays.', latest.text('bank')),
  wallet: column('Wallet that pays.', latest.text('wallet')),
  vpa: searched('vpa', personal('UPI address that pays.', latest.text('vpa'))),
  upi_flow: column('How the UPI app was reached: intent, collect, in_app.', latest.text('upi', 'flow')),
  upi_transaction_id: searched(
    'text',
    column("UPI's own number of the transaction.", latest.text('acquirer_data', 'upi_transaction_id')),
  ),
  rrn: searched(
    'text',
    column("Reference of the bank (RRN), for the customer's bank.", latest.text('acquirer_data', 'rrn')),
  ),
  email: searched('email', personal('E-mail address of the customer.', latest.text('email'))),
  contact: searched('phone', personal('Phone number of the customer.', latest.text('contact'))),
  customer_id: column('Customer, as Razorpay names it.', latest.text('customer_id')),
  token_id: column('Saved instrument of a recurring payment.', latest.text('token_id')),
  // A later success clears what the failed attempt said.
  error_code: column('Class of the failure; cleared by a later success.', failure('error_code')),
  error_description: personal('The failure in a sentence; cleared by a later success.', failure('error_description')),
  error_source: column(
    'Who caused the failure: customer, bank, gateway; cleared by a later success.',
    failure('error_source'),
  ),
  error_step: column('Step at which it failed; cleared by a later success.', failure('error_step')),
  error_reason: column('Exact reason of the failure; cleared by a later success.', failure('error_reason')),
  acquirer_data: personal(
    'References of the bank: RRN, authorisation code, UPI transaction.',
    latest.json('acquirer_data'),
  ),
  notes,
  created_at: column('When the payment was begun.', latest.past('created_at')),
  authorized_at: column(
    'When payment.authorized says that the bank approved it.',
    timeOf(
      'first',
      showing<PaymentStatus>(paymentStatuses, 'authorized', 'captured', 'refunded'),
      'payment.authorized',
    ),
  ),
  captured_at: column(
    'When payment.captured says that its money was captured, or the order.paid that came with it.',
    capturedAt,
  ),
} as const satisfies Record<string, Field>;
