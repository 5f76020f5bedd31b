import {
  clearable,
  column,
  either,
  highest,
  latest,
  personal,
  provenanceFields,
  readPast,
  readText,
  searched,
  UNKNOWN,
  valueAt,
} from '#rules';
import type { Field, Reading, Snapshot } from '#rules';
import { timeOf } from '../columns.ts';
import { arePaymentsDenied, live, paymentsEnabled, suspended, suspendedAt } from './suspension.ts';

/**
 * Lowest rank first; it decides only between snapshots of one second (lifecycle.ts). `known`: nothing was said of the
 * activation yet. The others are Razorpay's own words (`merchant_detail.activation_status`, of linked accounts
 * `activation_details.status`; razorpay.com/docs/webhooks/partners and docs/api/payments/route/linked-account-apis-beta)
 * but for `suspended`, which stands above them: nothing else says that no payments may be taken.
 */
export const accountStatuses = [
  'known',
  'instantly_activated',
  'activated_kyc_pending',
  'activated',
  'under_review',
  'needs_clarification',
  'verification_failed',
  'rejected',
  'suspended',
] as const;
export type AccountStatus = (typeof accountStatuses)[number];
/** The decisions about its activation: a refusal and any of the others cannot both be true. */
export const accountEnds = [
  'instantly_activated',
  'activated_kyc_pending',
  'activated',
  'rejected',
] as const satisfies readonly AccountStatus[];

/**
 * The account's own `updated_at`, epoch milliseconds: nearer to the change than the envelope's time, which is in doubt
 * (docs/reference/razorpay.md "Times").
 */
export const accountChangedAt = (snapshot: Snapshot): number =>
  readPast(valueAt(snapshot.subject, ['updated_at']), snapshot) ?? UNKNOWN;

/** The name of the event, where the snapshot shows nothing of funds. */
const fundsByName: Reading = {
  type: 'boolean',
  rule: 'latest',
  read: ({ event }) => (event === 'account.funds_hold' ? true : event === 'account.funds_unhold' ? false : undefined),
};

/** A linked account whose verification succeeded shows an empty text, which clears what was there. */
const verificationError: Reading = {
  ...clearable.text('activation_details', 'bank_details_verification_error'),
  read: (snapshot) => {
    const text = valueAt(snapshot.subject, ['activation_details', 'bank_details_verification_error']);
    return text === '' || text === null ? null : readText(text);
  },
};

const lastUpdateId: Reading = {
  type: 'text',
  rule: 'latest',
  read: ({ event, eventId }) => (event === 'account.updated' ? eventId : undefined),
};

/**
 * Columns of `account_events`. Entity: razorpay.com/docs/webhooks/partners. Its `account_id` is the key itself, the
 * bare id of the sub-merchant, so the envelope's account (the same with `acc_`) is no column.
 */
export const accountFields = {
  ...provenanceFields,
  name: personal('Name of the sub-merchant.', latest.text('name')),
  email: searched('email', personal('E-mail address of the sub-merchant.', latest.text('email'))),
  activated: column('Whether the account is activated.', latest.flag('activated')),
  activated_at: column(
    'When it was activated.',
    either(latest.past('activated_at'), latest.past('activation_details', 'activated_at')),
  ),
  live: column('Whether it may take payments in live mode; never while it is suspended.', live),
  suspended: column('Whether it is suspended: it can take no payments then.', suspended),
  payments_enabled: column(
    'Whether payments are enabled, by the flag or by the event of that name; never while it is suspended.',
    paymentsEnabled,
  ),
  payments_enabled_at: column(
    'When payments were first enabled.',
    timeOf('first', (snapshot) => !arePaymentsDenied(snapshot), 'account.payments_enabled'),
  ),
  hold_funds: column('Whether its settlements are held.', either(latest.flag('hold_funds'), fundsByName)),
  international: column('Whether it may take international payments.', latest.flag('international')),
  parent_id: column('Account of the partner above it.', latest.text('parent_id')),
  website: column('Its website.', latest.text('website')),
  category: column('Its line of business.', latest.text('category')),
  activation_status: column(
    "How far its activation is, in Razorpay's words.",
    either(latest.text('merchant_detail', 'activation_status'), latest.text('activation_details', 'status')),
  ),
  activation_progress: column(
    'How much of its details is submitted, in percent.',
    latest.integer('merchant_detail', 'activation_progress'),
  ),
  business_name: column(
    'Registered name of the business.',
    either(latest.text('merchant_detail', 'business_name'), latest.text('account_details', 'business_name')),
  ),
  contact_name: personal('Name of the person to contact.', latest.text('merchant_detail', 'contact_name')),
  contact_mobile: searched(
    'phone',
    personal('Phone number of the person to contact.', latest.text('merchant_detail', 'contact_mobile')),
  ),
  // A later snapshot with null says that the suspension, or the question to the merchant, is over.
  suspended_at: column('When it was suspended; unknown when it is not.', suspendedAt),
  clarification_mode: column(
    'How Razorpay asks for more details; unknown when it does not.',
    clearable.text('merchant_detail', 'clarification_mode'),
  ),
  verification_error: column(
    'Why the bank account of a linked account could not be verified; unknown when it could.',
    verificationError,
  ),
  last_update_id: column('Newest event account.updated.', lastUpdateId),
  notes: personal('Pairs that the partner attached.', latest.json('notes')),
  created_at: column('When the account was made.', latest.past('created_at')),
  /** Razorpay's own `updated_at`; the table's is that of the row. */
  changed_at: column("Razorpay's own time of the last change.", highest.past('updated_at')),
} as const satisfies Record<string, Field>;
