-- State of each refund: one row, moved by rank of status (services/refunds/src/domain/refund). Amounts are minor units.
CREATE TABLE payment_refunds (
  refund_id       text PRIMARY KEY,
  status          text NOT NULL CHECK (status IN ('pending', 'failed', 'processed')),
  account_id      text,
  payment_id      text,
  order_id        text,
  amount_minor    bigint,
  currency        text,
  speed_requested text,
  speed_processed text,
  speed_changed   boolean,
  auto_refund     boolean,
  receipt         text,
  batch_id        text,
  arn             text,
  rrn             text,
  utr             text,
  notes           jsonb,
  created_at      timestamptz,
  last_event_id   text,
  last_event_at   timestamptz,
  merge_record    jsonb NOT NULL,
  first_seen_at   timestamptz NOT NULL DEFAULT now(),
  updated_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX payment_refunds_payment_id ON payment_refunds (payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX payment_refunds_order_id ON payment_refunds (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX payment_refunds_status ON payment_refunds (status, created_at);
-- What the customer's bank asks for.
CREATE INDEX payment_refunds_arn ON payment_refunds (arn) WHERE arn IS NOT NULL;
CREATE INDEX payment_refunds_rrn ON payment_refunds (rrn) WHERE rrn IS NOT NULL;
