-- State of each sub-merchant's activation: one row per account, moved by rank of status (services/accounts/src/domain/account).
-- The key is the bare account id; the account_id of other tables is the same with 'acc_' before it.
CREATE TABLE account_events (
  account_id          text PRIMARY KEY,
  status              text NOT NULL CHECK (status IN ('instantly_activated', 'activated_kyc_pending')),
  name                text,
  email               text,
  activated           boolean,
  activated_at        timestamptz,
  live                boolean,
  hold_funds          boolean,
  international       boolean,
  parent_id           text,
  website             text,
  category            text,
  activation_status   text,
  activation_progress bigint,
  business_name       text,
  contact_name        text,
  contact_mobile      text,
  suspended_at        timestamptz,
  clarification_mode  text,
  notes               jsonb,
  created_at          timestamptz,
  changed_at          timestamptz,
  last_event_id       text,
  last_event_at       timestamptz,
  merge_record        jsonb NOT NULL,
  first_seen_at       timestamptz NOT NULL DEFAULT now(),
  updated_at          timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX account_events_status ON account_events (status, created_at);
CREATE INDEX account_events_email ON account_events (email) WHERE email IS NOT NULL;
CREATE INDEX account_events_parent_id ON account_events (parent_id) WHERE parent_id IS NOT NULL;
