-- State of each invoice: one row, moved by rank of status (services/invoices/src/domain/invoice). Amounts are minor units.
-- payment_id is the invoice's own field (the first payment), last_payment_id the newest payment.
CREATE TABLE invoice_events (
  invoice_id           text PRIMARY KEY,
  status               text NOT NULL CHECK (status IN ('draft', 'issued', 'partially_paid', 'expired', 'cancelled', 'deleted', 'paid')),
  account_id           text,
  order_id             text,
  payment_id           text,
  last_payment_id      text,
  subscription_id      text,
  receipt              text,
  invoice_number       text,
  type                 text,
  customer_id          text,
  customer_name        text,
  customer_email       text,
  customer_contact     text,
  gross_amount_minor   bigint,
  tax_amount_minor     bigint,
  taxable_amount_minor bigint,
  amount_minor         bigint,
  amount_paid_minor    bigint,
  amount_due_minor     bigint,
  currency             text,
  partial_payment      boolean,
  description          text,
  short_url            text,
  notes                jsonb,
  expire_by            timestamptz,
  issued_at            timestamptz,
  paid_at              timestamptz,
  expired_at           timestamptz,
  cancelled_at         timestamptz,
  billing_start        timestamptz,
  billing_end          timestamptz,
  created_at           timestamptz,
  last_event_id        text,
  last_event_at        timestamptz,
  merge_record         jsonb NOT NULL,
  first_seen_at        timestamptz NOT NULL DEFAULT now(),
  updated_at           timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX invoice_events_order_id ON invoice_events (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX invoice_events_payment_id ON invoice_events (payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX invoice_events_last_payment_id ON invoice_events (last_payment_id) WHERE last_payment_id IS NOT NULL;
CREATE INDEX invoice_events_receipt ON invoice_events (receipt) WHERE receipt IS NOT NULL;
CREATE INDEX invoice_events_invoice_number ON invoice_events (invoice_number) WHERE invoice_number IS NOT NULL;
CREATE INDEX invoice_events_customer_id ON invoice_events (customer_id) WHERE customer_id IS NOT NULL;
CREATE INDEX invoice_events_subscription_id ON invoice_events (subscription_id) WHERE subscription_id IS NOT NULL;
CREATE INDEX invoice_events_status ON invoice_events (status, created_at);
