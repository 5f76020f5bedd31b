-- Every event once, with the exact bytes that were signed. created_at is the body's own time (identical on every retry, so
-- that the primary key still finds duplicates); for a body without one, the time at which its first copy was received.
-- processed: its family's table reflects it, or it was decided that it changes nothing. What is not processed has a reason.
CREATE TABLE webhook_events (
  razorpay_event_id text NOT NULL,
  created_at        timestamptz NOT NULL,
  event_type        text NOT NULL,
  family            text,
  entity_key        text,
  processed         boolean NOT NULL,
  verdict           text NOT NULL CHECK (verdict IN ('applied', 'stale', 'rejected', 'parked', 'quarantined', 'dead')),
  reason            text,
  account_id        text,
  endpoint          text,
  received_at       timestamptz NOT NULL,
  processed_at      timestamptz,
  kafka_topic       text NOT NULL,
  kafka_partition   integer NOT NULL,
  kafka_offset      bigint NOT NULL,
  payload           bytea NOT NULL,
  PRIMARY KEY (razorpay_event_id, created_at),
  CONSTRAINT webhook_events_processed_by_verdict CHECK (processed = (verdict IN ('applied', 'stale', 'rejected'))),
  CONSTRAINT webhook_events_unprocessed_has_reason CHECK (processed OR reason IS NOT NULL)
) PARTITION BY RANGE (created_at);

CREATE INDEX webhook_events_type ON webhook_events (event_type, created_at);
-- Finds what waits behind a failing event of its key, in order; small, because nearly everything is processed.
CREATE INDEX webhook_events_unprocessed
  ON webhook_events (family, entity_key, kafka_topic, kafka_partition, kafka_offset) WHERE NOT processed;

-- Daily partitions are made ahead by a command; whatever fits none of them is here.
CREATE TABLE webhook_events_default PARTITION OF webhook_events DEFAULT;

-- A body as jsonb for queries by hand; null when it is not JSON that Postgres can hold (bad UTF-8, a NUL character).
CREATE FUNCTION payload_json(payload bytea) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  RETURN convert_from(payload, 'UTF8')::jsonb;
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
  RETURN NULL;
END
$$;
