-- What an operator's rebase passed over without applying it: counted for ever, so that the sum never hides it.
ALTER TABLE partition_ledger ADD COLUMN skipped bigint NOT NULL DEFAULT 0 CHECK (skipped >= 0);
ALTER TABLE partition_ledger DROP CONSTRAINT partition_ledger_adds_up;
ALTER TABLE partition_ledger ADD CONSTRAINT partition_ledger_adds_up
  CHECK (next_offset - first_offset = applied + duplicate + stale + rejected + parked + quarantined + dead + skipped);
-- When the position last moved; updated_at also changes when events are moved from one count to another.
ALTER TABLE partition_ledger ADD COLUMN moved_at timestamptz NOT NULL DEFAULT now();
UPDATE partition_ledger SET moved_at = updated_at;
-- Why the partition did not go on, as its consumer said last. History, once the position has moved after it.
ALTER TABLE partition_ledger ADD COLUMN last_error text;
ALTER TABLE partition_ledger ADD COLUMN last_error_at timestamptz;
