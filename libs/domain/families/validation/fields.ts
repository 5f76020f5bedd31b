import { column, commonFields, either, latest, personal, readText, searched, valueAt } from '#rules';
import type { Field, Reading } from '#rules';
import { notes } from '../columns.ts';

/**
 * Lowest rank first (razorpay.com/docs/x/fund-account-validation: created, then
 * completed or failed). The two ends exclude each other there. Should both come, the
 * later one counts; within one second `completed` does, because it carries an answer.
 */
export const validationStatuses = ['created', 'failed', 'completed'] as const;
export type ValidationStatus = (typeof validationStatuses)[number];
export const validationEnds = ['failed', 'completed'] as const satisfies readonly ValidationStatus[];

/**
 * `results` in a plain validation, `validation_results` in a composite one
 * (razorpay.com/docs/api/x/composite-account-validation/entity).
 */
const inResults = (kind: 'text' | 'integer', name: string): Reading =>
  either(latest[kind]('results', name), latest[kind]('validation_results', name));

/**
 * A failed validation has the text "null" for details it does not
 * have (razorpay.com/docs/webhooks/account-validation, sample).
 */
const details: Reading = {
  type: 'text',
  rule: 'latest',
  read: ({ subject }) => {
    const places = [
      ['results', 'details'],
      ['validation_results', 'details'],
      ['status_details', 'description'],
    ];
    return places.map((path) => readText(valueAt(subject, path))).find((text) => text !== undefined && text !== 'null');
  },
};

/**
 * Columns of `fund_account_events`. Entity: razorpay.com/docs/api/x/account-validation/entity. The account number stays
 * in the raw body: nobody searches by it, and `bank_ifsc`, `fund_account_id` and `utr` find the row.
 */
export const validationFields = {
  ...commonFields,
  fund_account_id: column('Fund account that was checked.', latest.text('fund_account', 'id')),
  contact_id: column(
    'Contact that the fund account belongs to.',
    either(latest.text('fund_account', 'contact_id'), latest.text('fund_account', 'contact', 'id')),
  ),
  account_type: column('What was checked: bank_account or vpa.', latest.text('fund_account', 'account_type')),
  bank_name: column('Bank of the account.', latest.text('fund_account', 'bank_account', 'bank_name')),
  bank_ifsc: column('IFSC of the branch.', latest.text('fund_account', 'bank_account', 'ifsc')),
  beneficiary_name: personal(
    'Name of the beneficiary, as it was given.',
    latest.text('fund_account', 'bank_account', 'name'),
  ),
  vpa: searched('vpa', personal('UPI address that was checked.', latest.text('fund_account', 'vpa', 'address'))),
  fund_account_active: column('Whether the fund account may be paid.', latest.flag('fund_account', 'active')),
  // What the check found: active or invalid, the name the bank knows, and how well it matches, 0 to 100.
  account_status: column(
    'What the check found: active (valid in a composite check) or invalid. Only an active account should be paid.',
    inResults('text', 'account_status'),
  ),
  registered_name: personal('Name that the bank knows.', inResults('text', 'registered_name')),
  name_match_score: column('How well the two names match, 0 to 100.', inResults('integer', 'name_match_score')),
  details: column('What the bank says beside its answer.', details),
  status_reason: column(
    'Why the check ended as it did, in a word of Razorpay; composite checks have it.',
    latest.text('status_details', 'reason'),
  ),
  reference_id: searched('text', column("Merchant's own number of the check.", latest.text('reference_id'))),
  // A bank account is checked with a small transfer; a VPA without one, so its amount and utr are null.
  amount_minor: column('Amount of the transfer that checked a bank account.', latest.integer('amount')),
  currency: column('Currency of the amount, ISO 4217.', latest.text('currency')),
  utr: searched('text', column('Reference of that transfer (UTR).', latest.text('utr'))),
  notes,
  created_at: column('When the check was asked for.', latest.past('created_at')),
} as const satisfies Record<string, Field>;
