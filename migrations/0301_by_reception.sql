-- The everyday question by reception: what came in the last hour, and how much of it waits. created_at of webhook_events is the event's own time,
-- so what Razorpay sends again after hours is not of the last hour there. Here created_at is when it was received; the query stays the same.
--   SELECT event_type, COUNT(*) AS total, COUNT(CASE WHEN processed = true THEN 1 END) AS processed,
--          COUNT(CASE WHEN processed = false THEN 1 END) AS pending
--     FROM received_events WHERE created_at >= NOW() - INTERVAL '1 hour' GROUP BY event_type;
-- A sighting that waits has a row of its own beside its event's; it is no event and not counted.
CREATE VIEW received_events AS
SELECT event_type, received_at AS created_at, processed FROM webhook_events WHERE sighting IS NULL;
GRANT SELECT ON received_events TO dakia_operator, dakia_reader, dakia_reader_personal;

-- Has all that the view shows: no row is visited. As in 0230, small partitions get theirs here and `dakia maintain` builds those of large ones.
CREATE INDEX webhook_events_received ON ONLY webhook_events (received_at) INCLUDE (event_type, processed) WHERE sighting IS NULL;
DO $$
DECLARE
  part text;
BEGIN
  FOR part IN SELECT inhrelid::regclass::text FROM pg_inherits
               WHERE inhparent = 'webhook_events'::regclass AND pg_total_relation_size(inhrelid) < 64 * 1024 * 1024 LOOP
    EXECUTE format('CREATE INDEX %I ON %s (received_at) INCLUDE (event_type, processed) WHERE sighting IS NULL', part || '_received', part);
    EXECUTE format('ALTER INDEX webhook_events_received ATTACH PARTITION %I', part || '_received');
  END LOOP;
END
$$;
