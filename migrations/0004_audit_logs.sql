-- Why an entity is in its state: one row per event applied, stale or rejected, and one per action of an operator.
CREATE TABLE audit_logs (
  id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at                timestamptz NOT NULL DEFAULT now(),
  -- 'consumer:<group>', or 'operator:<who>'.
  actor             text NOT NULL,
  -- 'event' for what a delivery did; else what the operator did, such as 'parked.drop' or 'ledger.rebase'.
  action            text NOT NULL,
  family            text,
  entity_key        text,
  razorpay_event_id text,
  event_type        text,
  verdict           text,
  from_status       text,
  to_status         text,
  reason            text
);
CREATE INDEX audit_logs_entity ON audit_logs (entity_key, id) WHERE entity_key IS NOT NULL;
CREATE INDEX audit_logs_operators ON audit_logs (at) WHERE action <> 'event';
