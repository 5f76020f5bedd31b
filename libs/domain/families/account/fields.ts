import { clearable, highest, latest, provenanceFields, readTime, UNKNOWN, valueAt } from '#rules';
import type { Field, Snapshot } from '#rules';

/**
 * Lowest rank first. The body has no status, the event's name is all there is (razorpay.md §3 "account"). Instant activation
 * asks for a few details and comes first; `activated_kyc_pending` follows once all are submitted and only their verification
 * is open (razorpay.com/docs/webhooks/partners; its samples of one account are 68 minutes apart, in this order).
 */
export const accountStatuses = ['instantly_activated', 'activated_kyc_pending'] as const;
export type AccountStatus = (typeof accountStatuses)[number];

/** The account's own `updated_at`, epoch milliseconds: nearer to the change than the envelope's time, which is in doubt (razorpay.md §4). */
export const accountChangedAt = ({ subject }: Snapshot): number =>
  readTime(valueAt(subject, ['updated_at'])) ?? UNKNOWN;

/**
 * Columns of `account_events`. Entity: razorpay.com/docs/webhooks/partners. Its `account_id` is the key itself, the bare id
 * of the sub-merchant, so the envelope's account (the same with `acc_`) is no column.
 */
export const accountFields = {
  ...provenanceFields,
  name: latest.text('name'),
  email: latest.text('email'),
  activated: latest.flag('activated'),
  activated_at: latest.time('activated_at'),
  live: latest.flag('live'),
  hold_funds: latest.flag('hold_funds'),
  international: latest.flag('international'),
  parent_id: latest.text('parent_id'),
  website: latest.text('website'),
  category: latest.text('category'),
  activation_status: latest.text('merchant_detail', 'activation_status'),
  activation_progress: latest.integer('merchant_detail', 'activation_progress'),
  business_name: latest.text('merchant_detail', 'business_name'),
  contact_name: latest.text('merchant_detail', 'contact_name'),
  contact_mobile: latest.text('merchant_detail', 'contact_mobile'),
  // A later snapshot with null says that the suspension, or the question to the merchant, is over.
  suspended_at: clearable.time('suspended_at'),
  clarification_mode: clearable.text('merchant_detail', 'clarification_mode'),
  notes: latest.json('notes'),
  created_at: latest.time('created_at'),
  /** Razorpay's own `updated_at`; the table's is that of the row. */
  changed_at: highest.time('updated_at'),
} as const satisfies Record<string, Field>;
