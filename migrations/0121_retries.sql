-- When a parked key is tried again. Redis only rings the bell at that time; a sweeper rings it for whatever is overdue here.
-- attempts counts those of failing_event_id, and begins again when the next event has come to the head of the queue.
ALTER TABLE parked_keys ADD COLUMN next_attempt_at timestamptz NOT NULL DEFAULT now();
-- When failing_event_id failed for the first time; null while it has only come to the head of the queue.
ALTER TABLE parked_keys ADD COLUMN first_failed_at timestamptz DEFAULT now();
UPDATE parked_keys SET first_failed_at = parked_at;
ALTER TABLE parked_keys DROP CONSTRAINT parked_keys_attempts_check;
ALTER TABLE parked_keys ADD CONSTRAINT parked_keys_attempts_check CHECK (attempts >= 0);
-- A topic belongs to one consumer group: events that change their verdict find the row that counts them by where they came from.
CREATE UNIQUE INDEX partition_ledger_place ON partition_ledger (topic, partition);
CREATE INDEX parked_keys_due ON parked_keys (consumer_group, next_attempt_at);

-- Events that were given up after all attempts, or by an operator. The event itself, with its body, is in webhook_events (verdict 'dead').
CREATE TABLE dead_letters (
  razorpay_event_id text NOT NULL,
  created_at        timestamptz NOT NULL,
  event_type        text NOT NULL,
  family            text NOT NULL,
  entity_key        text NOT NULL,
  consumer_group    text NOT NULL,
  -- Why the last attempt failed.
  reason            text NOT NULL,
  attempts          integer NOT NULL CHECK (attempts >= 1),
  first_failed_at   timestamptz NOT NULL,
  dead_at           timestamptz NOT NULL DEFAULT now(),
  kafka_topic       text NOT NULL,
  kafka_partition   integer NOT NULL,
  kafka_offset      bigint NOT NULL,
  -- When Kafka confirmed its copy in <topic>.dlq; null until then.
  published_at      timestamptz,
  -- What became of it: tried again by an operator, or given up for good. Null while somebody has to look at it.
  resolution        text CHECK (resolution IN ('retried', 'discarded')),
  resolved_at       timestamptz,
  resolved_by       text,
  resolved_reason   text,
  PRIMARY KEY (razorpay_event_id, created_at),
  CONSTRAINT dead_letters_resolved_by_somebody CHECK ((resolution IS NULL) = (resolved_at IS NULL) AND (resolution IS NULL) = (resolved_by IS NULL))
);
-- What operators gave up before there was this table.
INSERT INTO dead_letters (razorpay_event_id, created_at, event_type, family, entity_key, consumer_group, reason, attempts, first_failed_at,
                          kafka_topic, kafka_partition, kafka_offset, resolution, resolved_at, resolved_by, resolved_reason)
SELECT e.razorpay_event_id, e.created_at, e.event_type, e.family, e.entity_key, l.consumer_group, e.reason, 1, e.received_at,
       e.kafka_topic, e.kafka_partition, e.kafka_offset, 'discarded', now(), 'unknown, see audit_logs', e.reason
  FROM webhook_events e JOIN partition_ledger l ON l.topic = e.kafka_topic AND l.partition = e.kafka_partition
 WHERE NOT e.processed AND e.verdict = 'dead' AND e.family IS NOT NULL AND e.entity_key IS NOT NULL;
CREATE INDEX dead_letters_unpublished ON dead_letters (consumer_group, dead_at) WHERE published_at IS NULL AND resolution IS NULL;
CREATE INDEX dead_letters_open ON dead_letters (dead_at) WHERE resolution IS NULL;
CREATE INDEX dead_letters_entity ON dead_letters (entity_key);

GRANT SELECT, INSERT, UPDATE ON dead_letters TO dakia_payments, dakia_disputes, dakia_refunds, dakia_accounts, dakia_links, dakia_invoices, dakia_operator;
-- An event of the quarantine that a newer catalogue understands is handed to its entity.
GRANT UPDATE (family, entity_key, event_type) ON webhook_events TO dakia_payments, dakia_disputes, dakia_refunds, dakia_accounts, dakia_links, dakia_invoices, dakia_operator;
