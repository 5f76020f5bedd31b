-- State of each downtime of a bank, network or method (services/payments/src/domain/downtime).
CREATE TABLE downtime_events (
  downtime_id   text PRIMARY KEY,
  status        text NOT NULL CHECK (status IN ('scheduled', 'started', 'updated', 'resolved')),
  account_id    text,
  method        text,
  severity      text,
  scheduled     boolean,
  begin_at      timestamptz,
  end_at        timestamptz,
  bank          text,
  issuer        text,
  network       text,
  card_type     text,
  vpa_handle    text,
  psp           text,
  flow          text,
  instrument    jsonb,
  created_at    timestamptz,
  changed_at    timestamptz,
  last_event_id text,
  last_event_at timestamptz,
  merge_record  jsonb NOT NULL,
  first_seen_at timestamptz NOT NULL DEFAULT now(),
  updated_at    timestamptz NOT NULL DEFAULT now()
);
-- Few at a time: what checkout asks for on every page.
CREATE INDEX downtime_events_unresolved ON downtime_events (method, begin_at) WHERE status <> 'resolved';
CREATE INDEX downtime_events_begin_at ON downtime_events (begin_at);
