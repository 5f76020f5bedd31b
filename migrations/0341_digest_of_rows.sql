-- The rows of before 0340 do not grow in number, so their sum may be taken while consumers go on: no lock, one pass over the table. Bodies
-- of releases that counted a second one under a taken id as rejected have their row in event_conflicts.
UPDATE partition_ledger l SET rows_digest = l.rows_digest + there.digest
  FROM (SELECT kafka_topic, kafka_partition, sum(hashtextextended(razorpay_event_id, kafka_offset)) AS digest
          FROM (SELECT kafka_topic, kafka_partition, razorpay_event_id, kafka_offset FROM webhook_events WHERE counted
                UNION ALL
                SELECT kafka_topic, kafka_partition, razorpay_event_id, kafka_offset FROM event_conflicts WHERE kept_as IS NULL) kept
         GROUP BY 1, 2) there
 WHERE l.topic = there.kafka_topic AND l.partition = there.kafka_partition;
