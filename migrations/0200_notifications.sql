-- One row per fact (or reminder) and destination, and what became of it. Ids only: what it says is made from the entity's row when it is sent.
-- Postgres is the truth; a job in Redis only says that the time has come. docs/notifications.md.
CREATE TABLE notifications (
  -- 'ntf_…', the same for the same fact and destination for ever: a receiver recognises a repeat by it.
  id              text PRIMARY KEY,
  -- outbox.id, which grows with each fact of one entity.
  fact_id         bigint NOT NULL,
  kind            text NOT NULL,
  occurrence      text NOT NULL,
  family          text NOT NULL,
  entity_key      text NOT NULL,
  fact_at         timestamptz NOT NULL,
  endpoint        text,
  rule            text NOT NULL,
  destination     text NOT NULL,
  priority        smallint NOT NULL CHECK (priority BETWEEN 1 AND 4),
  -- {before, at (epoch ms), hours} of a reminder; null for what is told at once.
  reminder        jsonb,
  status          text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'retrying', 'delivered', 'failed', 'cancelled')),
  attempts        integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  -- When it is to be sent, or tried again.
  next_attempt_at timestamptz NOT NULL,
  delivered_at    timestamptz,
  -- What the receiver answered to the delivery, as one short line.
  response        text,
  -- Why it is retrying, failed or cancelled.
  reason          text,
  created_at      timestamptz NOT NULL DEFAULT now(),
  updated_at      timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT notifications_delivered_at_a_time CHECK ((status = 'delivered') = (delivered_at IS NOT NULL)),
  CONSTRAINT notifications_undelivered_has_reason CHECK (status IN ('pending', 'delivered') OR reason IS NOT NULL)
);
-- What is to be sent: small, because nearly everything is done.
CREATE INDEX notifications_due ON notifications (destination, next_attempt_at, id) WHERE status IN ('pending', 'retrying');
CREATE INDEX notifications_entity ON notifications (entity_key, family);
CREATE INDEX notifications_failed ON notifications (updated_at) WHERE status = 'failed';

SELECT dakia_make_role('dakia_notifier');
GRANT USAGE ON SCHEMA public TO dakia_notifier;
GRANT SELECT ON schema_migrations, outbox, payment_transactions, payment_orders, downtime_events, payment_disputes, payment_refunds, account_events,
                fund_account_events, payment_link_events, invoice_events TO dakia_notifier;
GRANT UPDATE (relayed_at) ON outbox TO dakia_notifier;
GRANT SELECT, INSERT, UPDATE ON notifications TO dakia_notifier;
GRANT INSERT ON audit_logs TO dakia_notifier;
GRANT SELECT, UPDATE ON notifications TO dakia_operator;
