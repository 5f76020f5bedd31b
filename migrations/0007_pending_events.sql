-- What is not processed, and why. A parked event waits for its key; a quarantined one was not understood; a dead one was given up.
CREATE VIEW pending_events AS
SELECT e.razorpay_event_id, e.event_type, e.verdict AS kind, e.family, e.entity_key, e.created_at, e.received_at,
       CASE WHEN e.verdict = 'parked' AND k.failing_event_id IS DISTINCT FROM e.razorpay_event_id
            THEN 'waits behind ' || coalesce(k.failing_event_id, 'an event of its key')
            ELSE coalesce(CASE WHEN e.verdict = 'parked' THEN k.reason END, e.reason) END AS reason,
       k.parked_at, k.attempts, k.last_attempt_at,
       e.kafka_topic, e.kafka_partition, e.kafka_offset
  FROM webhook_events e
  LEFT JOIN parked_keys k ON e.verdict = 'parked' AND k.family = e.family AND k.entity_key = e.entity_key
 WHERE NOT e.processed;
