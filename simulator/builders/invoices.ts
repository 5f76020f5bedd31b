import type { Random } from '../random.ts';
import type { Json } from '../wire.ts';
import type { Order } from './payments.ts';
import { newPerson } from './person.ts';

/** The invoice entity: razorpay.com/docs/api/payments/invoices/entity. Amounts in paise, times in epoch seconds. */
export interface Invoice extends Json {
  readonly id: string;
  readonly amount: number;
  readonly order_id: string;
}

/** Days that an invoice can be paid. */
const PAYABLE_FOR_S = 15 * 86_400;

export const newInvoice = (
  random: Random,
  needs: { readonly at: number; readonly order: Order; readonly partial?: boolean },
): Invoice => {
  const { name, email, contact } = newPerson(random);
  const customer = random.id('cust_');
  const number = random.digits(4);
  const tax = Math.round((needs.order.amount * 18) / 118);
  const net = needs.order.amount - tax;
  return {
    id: random.id('inv_'),
    entity: 'invoice',
    receipt: number,
    invoice_number: number,
    customer_id: customer,
    customer_details: {
      id: customer,
      name,
      email,
      contact,
      gstin: null,
      billing_address: address(random, 'billing_address'),
      shipping_address: address(random, 'shipping_address'),
      customer_name: name,
      customer_email: email,
      customer_contact: contact,
    },
    order_id: needs.order.id,
    line_items: [lineItem(random, net, tax)],
    payment_id: null,
    status: 'issued',
    expire_by: needs.at + PAYABLE_FOR_S,
    issued_at: needs.at,
    paid_at: null,
    cancelled_at: null,
    expired_at: null,
    sms_status: 'sent',
    email_status: 'sent',
    date: needs.at,
    terms: 'Payable within 15 days / no refunds after dispatch',
    partial_payment: needs.partial ?? false,
    gross_amount: net,
    tax_amount: tax,
    taxable_amount: net,
    amount: needs.order.amount,
    amount_paid: 0,
    amount_due: needs.order.amount,
    first_payment_min_amount: null,
    currency: 'INR',
    currency_symbol: '₹',
    description: 'Monthly supply',
    notes: [],
    comment: null,
    short_url: `https://rzp.io/i/${random.id('').slice(0, 7)}`,
    view_less: true,
    billing_start: null,
    billing_end: null,
    type: 'invoice',
    group_taxes_discounts: false,
    supply_state_code: '29',
    user_id: random.id(''),
    created_at: needs.at,
    idempotency_key: null,
    reminder_status: null,
    subscription_status: null,
  };
};

const address = (random: Random, type: string): Json => ({
  id: random.id('addr_'),
  type,
  primary: true,
  line1: `${random.whole(1, 400)}/2 Station Road`,
  line2: 'Jayanagar',
  zipcode: '560041',
  city: 'Bengaluru',
  state: 'Karnataka',
  country: 'in',
});

const lineItem = (random: Random, net: number, tax: number): Json => ({
  id: random.id('li_'),
  item_id: null,
  ref_id: null,
  ref_type: null,
  name: 'Filter coffee, 5 kg',
  description: null,
  amount: net,
  unit_amount: net,
  gross_amount: net,
  tax_amount: tax,
  taxable_amount: net,
  net_amount: net + tax,
  currency: 'INR',
  type: 'invoice',
  tax_inclusive: false,
  hsn_code: null,
  sac_code: null,
  tax_rate: 18,
  unit: null,
  quantity: 1,
  taxes: [],
});

export const invoiceAfter = (invoice: Invoice, paid: number, paymentId: string, at: number): Invoice => ({
  ...invoice,
  payment_id: paymentId,
  status: paid >= invoice.amount ? 'paid' : 'partially_paid',
  paid_at: paid >= invoice.amount ? at : null,
  amount_paid: paid,
  amount_due: invoice.amount - paid,
});
export const invoiceExpired = (invoice: Invoice, at: number): Invoice => ({
  ...invoice,
  status: 'expired',
  expired_at: at,
});
