-- Every delivery leaves a trace, the repeated one too: docs/adr/0014. Which secret signed the first one; null for what came before this release.
ALTER TABLE webhook_events ADD COLUMN secret_position smallint;

-- Deliveries of an event after its first: how many came, and when the first 32 of them. One row per event that came again, so an event that is
-- sent a million times is one row of bounded size. No index but its key: nothing that a further delivery changes is in one.
CREATE TABLE redeliveries (
  razorpay_event_id text NOT NULL,
  -- As in webhook_events.
  created_at        timestamptz NOT NULL,
  body_sha256       bytea NOT NULL,
  times             bigint NOT NULL CHECK (times > 0),
  last_received_at  timestamptz NOT NULL,
  -- [{at, secret, endpoint, as}]: received when, signed with which secret, where, and under which id if it was another.
  deliveries        jsonb NOT NULL,
  PRIMARY KEY (razorpay_event_id, created_at)
);
GRANT SELECT, INSERT, UPDATE ON redeliveries
   TO dakia_payments, dakia_disputes, dakia_refunds, dakia_accounts, dakia_links, dakia_invoices, dakia_kept, dakia_quarantine;
GRANT SELECT ON redeliveries TO dakia_operator;

-- What is known of an entity is found by it. An index of all partitions at once would keep every writer waiting while it is built: small partitions
-- get theirs here, and `dakia maintain` builds those of large ones beside the traffic. Once each partition has its own, that of the table is valid.
CREATE INDEX webhook_events_entity ON ONLY webhook_events (entity_key, received_at) WHERE entity_key IS NOT NULL;
DO $$
DECLARE
  part text;
BEGIN
  FOR part IN SELECT inhrelid::regclass::text FROM pg_inherits
               WHERE inhparent = 'webhook_events'::regclass AND pg_total_relation_size(inhrelid) < 64 * 1024 * 1024 LOOP
    EXECUTE format('CREATE INDEX %I ON %s (entity_key, received_at) WHERE entity_key IS NOT NULL', part || '_entity', part);
    EXECUTE format('ALTER INDEX webhook_events_entity ATTACH PARTITION %I', part || '_entity');
  END LOOP;
END
$$;

-- One row per delivery that is known: the first of each event, and those that followed. Ask it by entity_key, or by razorpay_event_id.
CREATE VIEW deliveries AS
SELECT family, entity_key, event_type, razorpay_event_id, received_at, false AS is_repeat, endpoint, secret_position, razorpay_event_id AS came_as,
       encode(coalesce(erased_sha256, sha256(payload)), 'hex') AS body_sha256
  FROM webhook_events WHERE sighting IS NULL
UNION ALL
SELECT e.family, e.entity_key, e.event_type, e.razorpay_event_id, d.at, true, d.endpoint, d.secret, coalesce(d."as", e.razorpay_event_id), encode(r.body_sha256, 'hex')
  FROM webhook_events e
  JOIN redeliveries r ON r.razorpay_event_id = e.razorpay_event_id AND r.created_at = e.created_at
 CROSS JOIN LATERAL jsonb_to_recordset(r.deliveries) AS d (at timestamptz, secret smallint, endpoint text, "as" text);
GRANT SELECT ON deliveries TO dakia_operator;
