-- One delivery may carry several snapshots, each in a record of its own (docs/adr/0011). A record that stands beside another event's
-- subject is counted as sighted once it is joined. Columns with constant defaults: no table is rewritten.
ALTER TABLE partition_ledger ADD COLUMN sighted bigint NOT NULL DEFAULT 0 CHECK (sighted >= 0);
ALTER TABLE partition_ledger DROP CONSTRAINT partition_ledger_adds_up;
ALTER TABLE partition_ledger ADD CONSTRAINT partition_ledger_adds_up
  CHECK (next_offset - first_offset = applied + duplicate + stale + rejected + parked + quarantined + dead + sighted + skipped);

-- Only a sighting that could not be joined at once has a row here, under an id of its own. `sighting` is the key below `payload` of its
-- snapshot; null for an event.
ALTER TABLE webhook_events ADD COLUMN sighting text;
ALTER TABLE webhook_events DROP CONSTRAINT webhook_events_verdict_check;
ALTER TABLE webhook_events DROP CONSTRAINT webhook_events_processed_by_verdict;
-- Every row obeys them already: the former constraints were stricter.
ALTER TABLE webhook_events ADD CONSTRAINT webhook_events_verdict_check
  CHECK (verdict IN ('applied', 'stale', 'rejected', 'parked', 'quarantined', 'dead', 'sighted')) NOT VALID;
ALTER TABLE webhook_events ADD CONSTRAINT webhook_events_processed_by_verdict
  CHECK (processed = (verdict IN ('applied', 'stale', 'rejected', 'sighted'))) NOT VALID;
