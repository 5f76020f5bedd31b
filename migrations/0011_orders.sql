-- State of each order and of its newest pre-debit notice (services/payments/src/domain/order). Amounts are minor units.
CREATE TABLE payment_orders (
  order_id                   text PRIMARY KEY,
  status                     text NOT NULL CHECK (status IN ('created', 'attempted', 'paid')),
  account_id                 text,
  payment_id                 text,
  amount_minor               bigint,
  amount_paid_minor          bigint,
  amount_due_minor           bigint,
  currency                   text,
  receipt                    text,
  offer_id                   text,
  attempts                   bigint,
  description                text,
  notes                      jsonb,
  created_at                 timestamptz,
  notification_id            text,
  notification_status        text CHECK (notification_status IN ('delivered', 'failed')),
  notification_token_id      text,
  notification_delivered_at  timestamptz,
  notification_payment_after timestamptz,
  last_event_id              text,
  last_event_at              timestamptz,
  merge_record               jsonb NOT NULL,
  first_seen_at              timestamptz NOT NULL DEFAULT now(),
  updated_at                 timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX payment_orders_payment_id ON payment_orders (payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX payment_orders_receipt ON payment_orders (receipt) WHERE receipt IS NOT NULL;
CREATE INDEX payment_orders_status ON payment_orders (status, created_at);
-- Notices that did not reach the customer: the charge after them will not happen.
CREATE INDEX payment_orders_notice_failed ON payment_orders (notification_payment_after) WHERE notification_status = 'failed';
