-- State of each check of a bank account or VPA: one row per validation, moved by rank of status
-- (services/accounts/src/domain/validation). Amounts are minor units.
CREATE TABLE fund_account_events (
  validation_id       text PRIMARY KEY,
  status              text NOT NULL CHECK (status IN ('created', 'failed', 'completed')),
  account_id          text,
  fund_account_id     text,
  contact_id          text,
  account_type        text,
  bank_name           text,
  bank_ifsc           text,
  beneficiary_name    text,
  vpa                 text,
  fund_account_active boolean,
  account_status      text,
  registered_name     text,
  name_match_score    bigint,
  details             text,
  amount_minor        bigint,
  currency            text,
  utr                 text,
  notes               jsonb,
  created_at          timestamptz,
  last_event_id       text,
  last_event_at       timestamptz,
  merge_record        jsonb NOT NULL,
  first_seen_at       timestamptz NOT NULL DEFAULT now(),
  updated_at          timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX fund_account_events_fund_account_id ON fund_account_events (fund_account_id) WHERE fund_account_id IS NOT NULL;
CREATE INDEX fund_account_events_contact_id ON fund_account_events (contact_id) WHERE contact_id IS NOT NULL;
CREATE INDEX fund_account_events_utr ON fund_account_events (utr) WHERE utr IS NOT NULL;
CREATE INDEX fund_account_events_status ON fund_account_events (status, created_at);
