import { commonFields, latest, readText, valueAt } from '#rules';
import type { Field } from '#rules';

/**
 * Lowest rank first (razorpay.com/docs/x/fund-account-validation: created, then completed or failed). The two ends exclude
 * each other there. Should both come, `completed` wins: it carries an answer about the account (active or invalid), while
 * `failed` only says that no answer was had, which an answer settles.
 */
export const validationStatuses = ['created', 'failed', 'completed'] as const;
export type ValidationStatus = (typeof validationStatuses)[number];

/** A failed validation has the text "null" for details it does not have (razorpay.com/docs/webhooks/account-validation, sample). */
const details: Field = {
  type: 'text',
  rule: 'latest',
  read: ({ subject }) => {
    const text = readText(valueAt(subject, ['results', 'details']));
    return text === 'null' ? undefined : text;
  },
};

/**
 * Columns of `fund_account_events`. Entity: razorpay.com/docs/api/x/account-validation/entity. The account number stays in
 * the raw body: nobody searches by it, and `bank_ifsc`, `fund_account_id` and `utr` find the row.
 */
export const validationFields = {
  ...commonFields,
  fund_account_id: latest.text('fund_account', 'id'),
  contact_id: latest.text('fund_account', 'contact_id'),
  account_type: latest.text('fund_account', 'account_type'),
  bank_name: latest.text('fund_account', 'bank_account', 'bank_name'),
  bank_ifsc: latest.text('fund_account', 'bank_account', 'ifsc'),
  beneficiary_name: latest.text('fund_account', 'bank_account', 'name'),
  vpa: latest.text('fund_account', 'vpa', 'address'),
  fund_account_active: latest.flag('fund_account', 'active'),
  // What the check found: active or invalid, the name the bank knows, and how well it matches, 0 to 100.
  account_status: latest.text('results', 'account_status'),
  registered_name: latest.text('results', 'registered_name'),
  name_match_score: latest.integer('results', 'name_match_score'),
  details,
  // A bank account is checked with a small transfer; a VPA without one, so its amount and utr are null.
  amount_minor: latest.integer('amount'),
  currency: latest.text('currency'),
  utr: latest.text('utr'),
  notes: latest.json('notes'),
  created_at: latest.time('created_at'),
} as const satisfies Record<string, Field>;
