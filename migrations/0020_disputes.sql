-- State of each dispute in its latest phase (services/disputes/src/domain/dispute). Amounts are minor units.
CREATE TABLE payment_disputes (
  dispute_id            text PRIMARY KEY,
  status                text NOT NULL CHECK (status IN ('open', 'under_review', 'action_required', 'closed', 'lost', 'won')),
  account_id            text,
  payment_id            text,
  order_id              text,
  phase                 text,
  amount_minor          bigint,
  currency              text,
  amount_deducted_minor bigint,
  reason_code           text,
  reason_description    text,
  respond_by            timestamptz,
  evidence              jsonb,
  evidence_submitted_at timestamptz,
  created_at            timestamptz,
  last_event_id         text,
  last_event_at         timestamptz,
  merge_record          jsonb NOT NULL,
  first_seen_at         timestamptz NOT NULL DEFAULT now(),
  updated_at            timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX payment_disputes_payment_id ON payment_disputes (payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX payment_disputes_order_id ON payment_disputes (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX payment_disputes_status ON payment_disputes (status, created_at);
-- Those whose clock runs.
CREATE INDEX payment_disputes_respond_by ON payment_disputes (respond_by) WHERE status IN ('open', 'action_required');
