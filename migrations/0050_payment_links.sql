-- State of each payment link: one row, moved by rank of status (services/links/src/domain/payment-link). Amounts are minor
-- units. payment_id is the newest payment; all payments of a link share its order_id.
CREATE TABLE payment_link_events (
  payment_link_id         text PRIMARY KEY,
  status                  text NOT NULL CHECK (status IN ('created', 'partially_paid', 'expired', 'cancelled', 'paid')),
  account_id              text,
  order_id                text,
  payment_id              text,
  reference_id            text,
  amount_minor            bigint,
  amount_paid_minor       bigint,
  currency                text,
  accept_partial          boolean,
  first_min_partial_minor bigint,
  upi_link                boolean,
  description             text,
  customer_id             text,
  customer_name           text,
  customer_email          text,
  customer_contact        text,
  short_url               text,
  user_id                 text,
  notes                   jsonb,
  expire_by               timestamptz,
  expired_at              timestamptz,
  cancelled_at            timestamptz,
  created_at              timestamptz,
  changed_at              timestamptz,
  last_event_id           text,
  last_event_at           timestamptz,
  merge_record            jsonb NOT NULL,
  first_seen_at           timestamptz NOT NULL DEFAULT now(),
  updated_at              timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX payment_link_events_order_id ON payment_link_events (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX payment_link_events_payment_id ON payment_link_events (payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX payment_link_events_reference_id ON payment_link_events (reference_id) WHERE reference_id IS NOT NULL;
CREATE INDEX payment_link_events_customer_email ON payment_link_events (customer_email) WHERE customer_email IS NOT NULL;
CREATE INDEX payment_link_events_customer_contact ON payment_link_events (customer_contact) WHERE customer_contact IS NOT NULL;
CREATE INDEX payment_link_events_status ON payment_link_events (status, created_at);
