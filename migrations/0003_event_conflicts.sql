-- A second body under an event id that is already taken: never applied, never lost. Counted as rejected.
CREATE TABLE event_conflicts (
  razorpay_event_id text NOT NULL,
  body_sha256       bytea NOT NULL,
  event_type        text NOT NULL,
  family            text,
  entity_key        text,
  account_id        text,
  endpoint          text,
  received_at       timestamptz NOT NULL,
  recorded_at       timestamptz NOT NULL DEFAULT now(),
  kafka_topic       text NOT NULL,
  kafka_partition   integer NOT NULL,
  kafka_offset      bigint NOT NULL,
  payload           bytea NOT NULL,
  PRIMARY KEY (razorpay_event_id, body_sha256)
);
CREATE INDEX event_conflicts_recorded_at ON event_conflicts (recorded_at);
