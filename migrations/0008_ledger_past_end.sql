-- Where the log ended when it was found to end before this partition's position: its tail was lost, or the topic was made anew. The
-- partition stands still until an operator rebases it, also when the log has grown past the position since: what lies there now are
-- other events than those that were counted, and those below were never applied.
ALTER TABLE partition_ledger ADD COLUMN past_end bigint;
