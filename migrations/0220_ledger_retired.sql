-- Rows of webhook_events that went with their retired day, by where their records lay. These, the rows that are there and those of
-- event_conflicts are what the ledger counts beside duplicates and what was skipped: what is in none of them is lost (npx dakia status --explain).
ALTER TABLE partition_ledger ADD COLUMN retired bigint NOT NULL DEFAULT 0;
-- What was retired before there was this column.
UPDATE partition_ledger l
   SET retired = l.applied + l.stale + l.rejected + l.parked + l.quarantined + l.dead - coalesce(e.events, 0)
  FROM partition_ledger p
  LEFT JOIN (SELECT kafka_topic, kafka_partition, count(*) AS events
               FROM (SELECT kafka_topic, kafka_partition FROM webhook_events UNION ALL SELECT kafka_topic, kafka_partition FROM event_conflicts) kept
              GROUP BY 1, 2) e
    ON e.kafka_topic = p.topic AND e.kafka_partition = p.partition
 WHERE (l.consumer_group, l.topic, l.partition) = (p.consumer_group, p.topic, p.partition);
-- The reporter (libs/operate/reporter.ts) runs in the service quarantine: it sees which entities have a row, and nothing of them.
GRANT SELECT ON disputes_by_deadline TO dakia_quarantine;
GRANT SELECT (payment_id) ON payment_transactions TO dakia_quarantine;
GRANT SELECT (order_id) ON payment_orders TO dakia_quarantine;
GRANT SELECT (downtime_id) ON downtime_events TO dakia_quarantine;
GRANT SELECT (dispute_id) ON payment_disputes TO dakia_quarantine;
GRANT SELECT (refund_id) ON payment_refunds TO dakia_quarantine;
GRANT SELECT (account_id) ON account_events TO dakia_quarantine;
GRANT SELECT (validation_id) ON fund_account_events TO dakia_quarantine;
GRANT SELECT (payment_link_id) ON payment_link_events TO dakia_quarantine;
GRANT SELECT (invoice_id) ON invoice_events TO dakia_quarantine;
