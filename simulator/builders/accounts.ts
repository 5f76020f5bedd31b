import type { Random } from '../random.ts';
import type { Json } from '../wire.ts';
import { merchantDetail } from './merchant-detail.ts';
import { newPerson } from './person.ts';

/** A sub-merchant: razorpay.com/docs/webhooks/partners. The id is bare here, with `acc_` in the envelope. */
export interface Account extends Json {
  readonly id: string;
  readonly merchant_detail: Json;
}

/** A sub-merchant that has signed up and may not accept payments yet. */
export const newAccount = (random: Random, needs: { readonly at: number }): Account => {
  const owner = newPerson(random);
  const id = random.id('');
  return {
    id,
    entity: 'merchant',
    name: `${owner.name} Stores`,
    email: owner.email,
    activated: false,
    activated_at: null,
    live: false,
    hold_funds: true,
    pricing_plan_id: random.id(''),
    parent_id: null,
    website: 'https://stores.example.com/',
    category: '5411',
    category2: 'grocery',
    international: false,
    linked_account_kyc: false,
    has_key_access: false,
    fee_bearer: 'platform',
    fee_model: 'prepaid',
    refund_source: 'balance',
    billing_label: 'Stores',
    receipt_email_enabled: true,
    receipt_email_trigger_event: 'authorized',
    transaction_report_email: [owner.email],
    invoice_label_field: null,
    channel: 'axis2',
    methods: methodsOf(id),
    convert_currency: false,
    max_payment_amount: 50_000_000,
    max_international_payment_amount: null,
    auto_refund_delay: null,
    auto_capture_late_auth: false,
    brand_color: null,
    handle: null,
    risk_rating: 3,
    risk_threshold: 8,
    partner_type: null,
    created_at: needs.at,
    updated_at: needs.at,
    suspended_at: null,
    archived_at: null,
    icon_url: null,
    logo_url: null,
    org_id: '100000razorpay',
    notes: [],
    whitelisted_ips_live: [],
    whitelisted_ips_test: [],
    whitelisted_domains: [],
    merchant_detail: merchantDetail(random, owner, id, needs.at),
    fee_credits_threshold: null,
    amount_credits_threshold: null,
    refund_credits_threshold: null,
    balance_threshold: null,
    display_name: null,
    activation_source: 'primary',
    business_banking: false,
    second_factor_auth: false,
    restricted: false,
    default_refund_speed: 'normal',
    partnership_url: null,
    external_id: null,
    product_international: '0000000000',
    signup_source: null,
    dcc_markup_percentage: 7.5,
    purpose_code: null,
  };
};

const methodsOf = (merchantId: string): Json => ({
  merchant_id: merchantId,
  card: 1,
  amex: false,
  disabled_banks: [
    'ABNA',
    'BACB',
    'BDBL',
    'CIUB',
    'COSB',
    'DBSS',
    'ESAF',
    'JSBP',
    'NKGS',
    'SURY',
    'TJSB',
    'VARA',
    'ZCBL',
  ],
  paytm: false,
  payzapp: true,
  payumoney: false,
  airtelmoney: true,
  mobikwik: true,
  olamoney: false,
  jiomoney: false,
  openwallet: false,
  razorpaywallet: false,
  mpesa: false,
  emi: ['credit'],
  upi: true,
  upi_type: { collect: 1, intent: 1 },
  aeps: false,
  emandate: false,
  nach: false,
  netbanking: true,
  debit_card: true,
  credit_card: true,
  prepaid_card: true,
  card_subtype: 3,
  entity: 'methods',
  bank_transfer: true,
  cardless_emi: false,
  card_networks: { AMEX: 0, DICL: 0, MC: 1, MAES: 1, VISA: 1, JCB: 0, RUPAY: 1 },
  phonepe: false,
  paylater: false,
  paypal: false,
  apps: { cred: 0, twid: 0 },
  debit_emi_providers: { HDFC: 1 },
  cod: false,
  offline: false,
});

const inActivation = (account: Account, at: number, detail: Json): Account => ({
  ...account,
  activated: true,
  activated_at: at,
  live: true,
  updated_at: at,
  merchant_detail: { ...account.merchant_detail, ...detail, updated_at: at },
});
export const instantlyActivated = (account: Account, at: number): Account =>
  inActivation(account, at, {
    activation_status: 'instantly_activated',
    activation_progress: 60,
    activation_form_milestone: 'L1',
  });
export const kycPending = (account: Account, at: number): Account => ({
  ...inActivation(account, at, {
    activation_status: 'activated_kyc_pending',
    activation_progress: 80,
    activation_form_milestone: 'L2',
    submitted: true,
    submitted_at: at,
  }),
  hold_funds: false,
});

/** The next step of an activation; what was activated before stays so. */
export const inStep = (account: Account, at: number, status: string, more: Json = {}): Account => ({
  ...account,
  updated_at: at,
  merchant_detail: { ...account.merchant_detail, activation_status: status, updated_at: at },
  ...more,
});
export const withFunds = (account: Account, at: number, isHeld: boolean): Account => ({
  ...account,
  hold_funds: isHeld,
  updated_at: at,
});
export const suspended = (account: Account, at: number): Account => ({
  ...account,
  live: false,
  hold_funds: true,
  suspended_at: at,
  updated_at: at,
});

/** A linked account has another form, without a time of change: docs/api/payments/route/linked-account-apis-beta. */
export const linkedAccount = (
  random: Random,
  needs: { readonly at: number; readonly isVerified: boolean; readonly id?: string },
): Readonly<Record<'account' | 'bank_account', Json & { readonly id: string }>> => {
  const owner = newPerson(random);
  const bankAccount = random.id('ba_');
  const account = {
    id: needs.id ?? random.id('acc_'),
    entity: 'account',
    name: `${owner.name} Traders`,
    email: owner.email,
    live: true,
    managed: true,
    tnc_accepted: true,
    activation_details: {
      status: needs.isVerified ? 'activated' : 'verification_failed',
      activated_at: needs.isVerified ? needs.at : null,
      can_submit: true,
      bank_details_verification_error: needs.isVerified ? '' : 'KC03: INVALID BENEFICIARY ACCOUNT / IFSC',
      fields_pending: [],
    },
    secondary_emails: { transaction_report_email: [owner.email] },
    account_details: { mobile: null, landline: null, business_name: `${owner.name} Traders` },
    notes: [],
    fund_transfer: { destination: bankAccount },
    dashboard_access: false,
    allow_reversals: false,
  };
  return {
    account,
    bank_account: {
      id: bankAccount,
      entity: 'bank_account',
      ifsc: 'HDFC0000001',
      bank_name: 'HDFC Bank',
      name: owner.name,
      notes: [],
      account_number: random.digits(14),
    },
  };
};

/** A check of a bank account or VPA: razorpay.com/docs/webhooks/account-validation. */
export interface Validation extends Json {
  readonly id: string;
}

export const newValidation = (
  random: Random,
  needs: { readonly at: number; readonly of?: 'bank_account' | 'vpa' },
): Validation => {
  const holder = newPerson(random);
  const of = needs.of ?? random.pick(['bank_account', 'vpa']);
  return {
    id: random.id('fav_'),
    entity: 'fund_account.validation',
    fund_account: {
      id: random.id('fa_'),
      entity: 'fund_account',
      contact_id: random.id('cont_'),
      account_type: of,
      ...(of === 'bank_account'
        ? {
            bank_account: {
              name: holder.name,
              bank_name: 'HDFC',
              ifsc: 'HDFC0000053',
              account_number: random.digits(14),
            },
          }
        : {
            vpa: {
              username: holder.vpa.replace(/@.*/, ''),
              handle: holder.vpa.replace(/.*@/, ''),
              address: holder.vpa,
            },
          }),
      batch_id: null,
      active: true,
      created_at: needs.at,
    },
    status: 'created',
    amount: of === 'bank_account' ? 100 : null,
    currency: of === 'bank_account' ? 'INR' : null,
    notes: { purpose: 'Check before the first payout' },
    results: { account_status: null, registered_name: null, details: null, name_match_score: null },
    created_at: needs.at,
    utr: null,
  };
};

export const validationCompleted = (validation: Validation, random: Random, registeredName: string): Validation => ({
  ...validation,
  status: 'completed',
  results: {
    account_status: 'active',
    registered_name: registeredName,
    details: 'The beneficiary account is valid.',
    name_match_score: random.whole(60, 100),
  },
  utr: random.digits(12),
});
export const validationFailed = (validation: Validation): Validation => ({
  ...validation,
  status: 'failed',
  results: { account_status: '', registered_name: '', details: 'The bank did not answer.', name_match_score: null },
});
