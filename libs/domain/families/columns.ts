import type { Family } from '#catalogue';
import type { FieldType } from '#rules';

/** One column of a state table, as rules of notifications and readers outside of its service see it. */
export interface ColumnSpec {
  readonly type: FieldType;
  /** Says something about a person, or is free text in which somebody may have written such a thing: not sent unless asked for. */
  readonly personal: boolean;
  /** All values that the provider documents, where that list is closed. */
  readonly values?: readonly string[];
}

/** What of a state table others may rely on. Its times are epoch milliseconds, its amounts (`*_minor`) minor units of `currency`. */
export interface RowSpec {
  readonly statuses: readonly string[];
  /** Without the key column and `status`, which every table has. */
  readonly columns: Readonly<Record<string, ColumnSpec>>;
}

const spec = (type: FieldType): ColumnSpec => ({ type, personal: false });
const [text, whole, flag, time] = [spec('text'), spec('bigint'), spec('boolean'), spec('timestamptz')];
const personalText: ColumnSpec = { type: 'text', personal: true };
const personalJson: ColumnSpec = { type: 'jsonb', personal: true };
const oneOf = (...values: readonly string[]): ColumnSpec => ({ type: 'text', personal: false, values });

const provenance = { last_event_id: text, last_event_at: time };
const ofAccount = { account_id: text, ...provenance };
const customer = {
  customer_id: text,
  customer_name: personalText,
  customer_email: personalText,
  customer_contact: personalText,
};

/** The state tables. A test holds this equal to the fields of each lifecycle, which are the source: no service imports another. */
const rows = {
  payments: {
    statuses: ['created', 'failed', 'authorized', 'captured', 'refunded'],
    columns: {
      ...ofAccount,
      order_id: text,
      invoice_id: text,
      amount_minor: whole,
      currency: text,
      method: text,
      captured: flag,
      late_authorized: flag,
      amount_refunded_minor: whole,
      refund_status: text,
      fee_minor: whole,
      tax_minor: whole,
      international: flag,
      description: personalText,
      card_id: text,
      card_network: text,
      card_last4: personalText,
      bank: text,
      wallet: text,
      vpa: personalText,
      email: personalText,
      contact: personalText,
      customer_id: text,
      token_id: text,
      error_code: text,
      error_description: text,
      error_source: text,
      error_step: text,
      error_reason: text,
      acquirer_data: personalJson,
      notes: personalJson,
      created_at: time,
    },
  },
  orders: {
    statuses: ['created', 'attempted', 'paid'],
    columns: {
      ...ofAccount,
      payment_id: text,
      amount_minor: whole,
      amount_paid_minor: whole,
      amount_due_minor: whole,
      currency: text,
      receipt: text,
      offer_id: text,
      attempts: whole,
      description: personalText,
      notes: personalJson,
      created_at: time,
      notification_id: text,
      notification_status: text,
      notification_token_id: text,
      notification_delivered_at: time,
      notification_payment_after: time,
    },
  },
  downtimes: {
    statuses: ['scheduled', 'started', 'updated', 'resolved'],
    columns: {
      ...ofAccount,
      method: text,
      severity: oneOf('low', 'medium', 'high'),
      scheduled: flag,
      begin_at: time,
      end_at: time,
      bank: text,
      issuer: text,
      network: text,
      card_type: text,
      vpa_handle: text,
      psp: text,
      flow: text,
      instrument: spec('jsonb'),
      created_at: time,
      changed_at: time,
    },
  },
  disputes: {
    statuses: ['open', 'under_review', 'action_required', 'closed', 'lost', 'won'],
    columns: {
      ...ofAccount,
      payment_id: text,
      order_id: text,
      phase: oneOf('fraud', 'retrieval', 'chargeback', 'pre_arbitration', 'arbitration'),
      amount_minor: whole,
      currency: text,
      amount_deducted_minor: whole,
      reason_code: text,
      reason_description: text,
      respond_by: time,
      evidence: personalJson,
      evidence_submitted_at: time,
      created_at: time,
    },
  },
  refunds: {
    statuses: ['pending', 'failed', 'processed'],
    columns: {
      ...ofAccount,
      payment_id: text,
      order_id: text,
      amount_minor: whole,
      currency: text,
      speed_requested: text,
      speed_processed: text,
      speed_changed: flag,
      auto_refund: flag,
      receipt: text,
      batch_id: text,
      arn: text,
      rrn: text,
      utr: text,
      notes: personalJson,
      created_at: time,
    },
  },
  accounts: {
    statuses: ['instantly_activated', 'activated_kyc_pending'],
    columns: {
      ...provenance,
      name: personalText,
      email: personalText,
      activated: flag,
      activated_at: time,
      live: flag,
      hold_funds: flag,
      international: flag,
      parent_id: text,
      website: text,
      category: text,
      activation_status: text,
      activation_progress: whole,
      business_name: text,
      contact_name: personalText,
      contact_mobile: personalText,
      suspended_at: time,
      clarification_mode: text,
      notes: personalJson,
      created_at: time,
      changed_at: time,
    },
  },
  fund_accounts: {
    statuses: ['created', 'failed', 'completed'],
    columns: {
      ...ofAccount,
      fund_account_id: text,
      contact_id: text,
      account_type: text,
      bank_name: text,
      bank_ifsc: text,
      beneficiary_name: personalText,
      vpa: personalText,
      fund_account_active: flag,
      account_status: text,
      registered_name: personalText,
      name_match_score: whole,
      details: text,
      amount_minor: whole,
      currency: text,
      utr: text,
      notes: personalJson,
      created_at: time,
    },
  },
  payment_links: {
    statuses: ['created', 'partially_paid', 'expired', 'cancelled', 'paid'],
    columns: {
      ...ofAccount,
      ...customer,
      order_id: text,
      payment_id: text,
      reference_id: text,
      amount_minor: whole,
      amount_paid_minor: whole,
      currency: text,
      accept_partial: flag,
      first_min_partial_minor: whole,
      upi_link: flag,
      description: personalText,
      short_url: text,
      user_id: text,
      notes: personalJson,
      expire_by: time,
      expired_at: time,
      cancelled_at: time,
      created_at: time,
      changed_at: time,
    },
  },
  invoices: {
    statuses: ['draft', 'issued', 'partially_paid', 'expired', 'cancelled', 'deleted', 'paid'],
    columns: {
      ...ofAccount,
      ...customer,
      order_id: text,
      payment_id: text,
      last_payment_id: text,
      subscription_id: text,
      receipt: text,
      invoice_number: text,
      type: text,
      gross_amount_minor: whole,
      tax_amount_minor: whole,
      taxable_amount_minor: whole,
      amount_minor: whole,
      amount_paid_minor: whole,
      amount_due_minor: whole,
      currency: text,
      partial_payment: flag,
      description: personalText,
      short_url: text,
      notes: personalJson,
      expire_by: time,
      issued_at: time,
      paid_at: time,
      expired_at: time,
      cancelled_at: time,
      billing_start: time,
      billing_end: time,
      created_at: time,
    },
  },
} as const satisfies Record<Family, RowSpec>;

export const rowSpec = (family: Family): RowSpec => rows[family];
/** The column's spec, `status` included; undefined when the family has no such column. */
export const columnSpec = (family: Family, column: string): ColumnSpec | undefined => {
  const { statuses, columns } = rowSpec(family);
  if (column === 'status') return { type: 'text', personal: false, values: statuses };
  return Object.hasOwn(columns, column) ? columns[column] : undefined;
};
