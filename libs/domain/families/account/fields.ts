import {
  clearable,
  column,
  highest,
  latest,
  personal,
  provenanceFields,
  readPast,
  searched,
  UNKNOWN,
  valueAt,
} from '#rules';
import type { Field, Snapshot } from '#rules';

/**
 * Lowest rank first. The body has no status, the event's name is all there is (docs/reference/razorpay.md "Entities").
 * Instant activation asks for a few details and comes first; `activated_kyc_pending` follows once all are submitted and
 * only their verification is open (razorpay.com/docs/webhooks/partners; its samples of one account are 68 minutes
 * apart, in this order).
 */
export const accountStatuses = ['instantly_activated', 'activated_kyc_pending'] as const;
export type AccountStatus = (typeof accountStatuses)[number];

/**
 * The account's own `updated_at`, epoch milliseconds: nearer to the change than the envelope's time, which is in doubt
 * (docs/reference/razorpay.md "Times").
 */
export const accountChangedAt = (snapshot: Snapshot): number =>
  readPast(valueAt(snapshot.subject, ['updated_at']), snapshot) ?? UNKNOWN;

/**
 * Columns of `account_events`. Entity: razorpay.com/docs/webhooks/partners. Its `account_id` is the key itself, the
 * bare id of the sub-merchant, so the envelope's account (the same with `acc_`) is no column.
 */
export const accountFields = {
  ...provenanceFields,
  name: personal('Name of the sub-merchant.', latest.text('name')),
  email: searched('email', personal('E-mail address of the sub-merchant.', latest.text('email'))),
  activated: column('Whether the account is activated.', latest.flag('activated')),
  activated_at: column('When it was activated.', latest.past('activated_at')),
  live: column('Whether it may take payments in live mode.', latest.flag('live')),
  hold_funds: column('Whether its settlements are held.', latest.flag('hold_funds')),
  international: column('Whether it may take international payments.', latest.flag('international')),
  parent_id: column('Account of the partner above it.', latest.text('parent_id')),
  website: column('Its website.', latest.text('website')),
  category: column('Its line of business.', latest.text('category')),
  activation_status: column(
    "How far its activation is, in Razorpay's words.",
    latest.text('merchant_detail', 'activation_status'),
  ),
  activation_progress: column(
    'How much of its details is submitted, in percent.',
    latest.integer('merchant_detail', 'activation_progress'),
  ),
  business_name: column('Registered name of the business.', latest.text('merchant_detail', 'business_name')),
  contact_name: personal('Name of the person to contact.', latest.text('merchant_detail', 'contact_name')),
  contact_mobile: searched(
    'phone',
    personal('Phone number of the person to contact.', latest.text('merchant_detail', 'contact_mobile')),
  ),
  // A later snapshot with null says that the suspension, or the question to the merchant, is over.
  suspended_at: column('When it was suspended; unknown when it is not.', clearable.past('suspended_at')),
  clarification_mode: column(
    'How Razorpay asks for more details; unknown when it does not.',
    clearable.text('merchant_detail', 'clarification_mode'),
  ),
  notes: personal('Pairs that the partner attached.', latest.json('notes')),
  created_at: column('When the account was made.', latest.past('created_at')),
  /** Razorpay's own `updated_at`; the table's is that of the row. */
  changed_at: column("Razorpay's own time of the last change.", highest.past('updated_at')),
} as const satisfies Record<string, Field>;
