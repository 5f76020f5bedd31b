-- Which log is this? The record before next_offset, as Kafka had it: its event id, when Kafka appended it (ms since 1970) and the epoch of
-- the leader that did. Compared when a partition is taken up: a topic that was made anew, or a disk that was restored, has another one
-- there. Null where it is not known.
ALTER TABLE partition_ledger ADD COLUMN mark_event_id text;
ALTER TABLE partition_ledger ADD COLUMN mark_appended_ms bigint;
ALTER TABLE partition_ledger ADD COLUMN mark_leader_epoch integer;
