-- 0220 reckoned what had been retired before it without the verdict `kept`: where kept events lay, it wrote so many too
-- few, below 0. What is below 0 there is reckoned once more, as it should have been. (An operator's own correction below
-- 0 concerns rows that nobody counted: it has no kept ones.)
UPDATE partition_ledger l
   SET retired = l.applied + l.kept + l.stale + l.rejected + l.parked + l.quarantined + l.dead - coalesce(e.events, 0)
  FROM partition_ledger p
  LEFT JOIN (SELECT kafka_topic, kafka_partition, count(*) AS events
               FROM (SELECT kafka_topic, kafka_partition FROM webhook_events
                      WHERE kafka_topic = 'rzp.kept.v1' AND verdict <> 'sighted'
                     UNION ALL
                     SELECT kafka_topic, kafka_partition FROM event_conflicts
                      WHERE kafka_topic = 'rzp.kept.v1' AND kept_as IS NULL) there
              GROUP BY 1, 2) e
    ON e.kafka_topic = p.topic AND e.kafka_partition = p.partition
 WHERE (l.consumer_group, l.topic, l.partition) = (p.consumer_group, p.topic, p.partition)
   AND l.topic = 'rzp.kept.v1' AND l.kept > 0 AND l.retired < 0;
